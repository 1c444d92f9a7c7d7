// A sample's part, layer and triangle as 25 bits in four bytes; cloth, fur and beards are cut out here.
flat in uint v_id; in vec3 v_canonical; in vec4 v_mask; in float v_layer;
out vec4 number;
void main() {
    if (cut(v_canonical, v_mask, v_layer)) discard;
    uint id = v_id | uint(gl_PrimitiveID);
    number = vec4(id & 255u, id >> 8 & 255u, id >> 16 & 255u, id >> 24) / 255.;
}
