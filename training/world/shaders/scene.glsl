#ifndef WORN_ACCESS
#define WORN_ACCESS readonly
#endif
// What is drawn, as buffers that every pass reads. A batch of frames lies as tiles in one square atlas.
struct Frame { mat4 camera; mat4 unproject; vec4 eye; vec4 bones[150]; };
struct Vertex { vec4 canonical; vec4 mask; vec4 bone; vec4 weight; };
struct Lock { vec4 position; vec4 normal; vec4 tangent; vec4 data; };  // data: across, along, mark, share of the head
layout(std430, binding = 0) readonly buffer Frames { Frame frames[]; };
layout(std430, binding = 1) readonly buffer Vertices { Vertex vertices[]; };
layout(std430, binding = 2) readonly buffer Posed { vec4 posed[]; };  // position and normal of tile and vertex
layout(std430, binding = 3) readonly buffer Worn { Lock worn[]; };
layout(std430, binding = 4) WORN_ACCESS buffer WornPosed { vec4 worn_posed[]; };  // place, normal, tangent
uniform int vertex_count, worn_count, head_bone, trunk_bone;
uniform int garment, style; uniform float cloth_thickness, fur_depth, beard_depth;

float cloth_offset(vec3 c) {
    float neck = length(vec2(c.x, c.y + .02));
    float t = cloth_thickness * mix(1., .40, smoothstep(.70, .76, c.z));
    t += .004 * smoothstep(.30, .10, c.z);
    if (garment == G_TURTLENECK) t = cloth_thickness * mix(1., .55, smoothstep(.69, .73, c.z)) + .005 * smoothstep(.742, .750, c.z);
    if (garment == G_HOODIE) t += .022 * smoothstep(.135, .085, neck) * smoothstep(.695, .735, c.z - .25 * c.y);
    if (garment == G_SUIT || garment == G_JACKET) t += .006 * smoothstep(.10, .17, abs(c.x)) * smoothstep(.60, .70, c.z);
    return t;
}
// Where a vertex of the body, or of a layer over it, stands. layer runs from 0 (skin) to 1 (the tips of fur).
vec3 body_at(int tile, int vertex, int part, float layer, out vec3 normal) {
    int at = 2 * (tile * vertex_count + vertex);
    vec3 p = posed[at].xyz, c = vertices[vertex].canonical.xyz;
    normal = posed[at + 1].xyz;
    if (part == CLOTH) p += normal * cloth_offset(c);
    if (part == HAIR) {
        float up = smoothstep(.83, .97, c.z);
        p += normal * (fur_depth * mix(style == 5 ? .80 : .55, 1., up) * layer + .0008);
    }
    if (part == BEARD) {
        vec3 down = vec3(0., -.1, -.55);
        vec4 r[3] = vec4[3](frames[tile].bones[head_bone], frames[tile].bones[head_bone + 1], frames[tile].bones[head_bone + 2]);
        p += (normal + vec3(dot(r[0].xyz, down), dot(r[1].xyz, down), dot(r[2].xyz, down))) * beard_depth * layer;
    }
    return p;
}
