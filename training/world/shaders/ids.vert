// Which triangle is seen where: every part, for all frames of a batch at once (instance = tile, then layer).
uniform int part, layers, sunward; uniform mat4 sun;
flat out uint v_id; out vec3 v_canonical; out vec4 v_mask; out float v_layer;
out float gl_ClipDistance[4];
void main() {
    int tile = gl_InstanceID / layers, layer = gl_InstanceID % layers;
    vec3 world;
    v_layer = layers > 1 ? float(layer + 1) / float(layers) : 1.;
#if PART == LOCKS || PART == GLASSES
    world = worn_posed[3 * (tile * worn_count + gl_VertexID)].xyz;
    v_canonical = vec3(0.); v_mask = vec4(0.);
#elif PART == SKIN
    world = posed[2 * (tile * vertex_count + gl_VertexID)].xyz;
    v_canonical = vec3(0.); v_mask = vec4(0.);
#else
    vec3 normal;
    world = body_at(tile, gl_VertexID, PART, v_layer, normal);
    v_canonical = vertices[gl_VertexID].canonical.xyz; v_mask = vertices[gl_VertexID].mask;
#endif
    v_id = uint(part + 1) << 21 | uint(layer) << 17;
    vec4 p = (sunward > 0 ? sun : frames[tile].camera) * vec4(world, 1.);
    gl_ClipDistance[0] = p.w + p.x; gl_ClipDistance[1] = p.w - p.x;
    gl_ClipDistance[2] = p.w + p.y; gl_ClipDistance[3] = p.w - p.y;
    vec2 cell = vec2(tile % GRID, tile / GRID);
    p.xy = (p.xy + (2. * cell + 1. - float(GRID)) * p.w) / float(GRID);
    gl_Position = p;
}
