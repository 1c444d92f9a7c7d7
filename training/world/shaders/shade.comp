// Shades one kind of surface: every slot of its list becomes a colour and the number of samples it covers.
layout(local_size_x = 64) in;
layout(std430, binding = 9) readonly buffer Counts { uint counts[]; };
layout(std430, binding = 10) readonly buffer Lists { uint lists[]; };
layout(std430, binding = 11) buffer Slots { uint slots[]; };
uniform int size, capacity;
void main() {
    uint count = counts[KIND], step_ = gl_NumWorkGroups.x * 64u;
    for (uint i = gl_GlobalInvocationID.x; i < count; i += step_) {
        uint slot = lists[KIND * capacity + int(i)], packed_ = slots[slot];
        int pixel = int(slot / 4u), id = int(packed_ >> 2);
        int part = (id >> 21) - 1, layer = id >> 17 & 15, triangle = id & 0x1ffff;
        ivec2 at = ivec2(pixel % (GRID * size), pixel / (GRID * size)), cell = at / size;
        v_tile = cell.y * GRID + cell.x;
        vec4 far = frames[v_tile].unproject * vec4((vec2(at - cell * size) + .5) / float(size) * 2. - 1., 1., 1.);
        eye = frames[v_tile].eye.xyz;
        vec3 colour = paint(part, layer, triangle, normalize(far.xyz / far.w - eye));
        slots[slot] = packUnorm4x8(vec4(film(colour), 0.)) | (packed_ & 3u) + 1u << 24;
    }
}
