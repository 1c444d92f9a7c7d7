// The pictures: each pixel's colours over the place, sRGB and coverage as bytes, top row first.
layout(local_size_x = 8, local_size_y = 8) in;
layout(std430, binding = 11) readonly buffer Slots { uint slots[]; };
layout(std430, binding = 15) readonly buffer Place { uint backdrop[]; };
layout(std430, binding = 8) writeonly buffer Pictures { uint pictures[]; };
uniform int size, tiles, places, first_picture;
void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy), cell = at / size, inside = at - cell * size;
    int tile = cell.y * GRID + cell.x;
    if (cell.x >= GRID || tile >= tiles) return;
    int pixel = at.y * GRID * size + at.x;
    vec3 sum = vec3(0.);
    float covered = 0.;
    for (int s = 0; s < 4; s++) {
        uint slot = slots[pixel * 4 + s];
        float share = float(slot >> 24);
        sum += unpackUnorm4x8(slot).rgb * share;
        covered += share;
    }
    uint behind = backdrop[((places > 1 ? tile : 0) * size + inside.y) * size + inside.x];
    sum += unpackUnorm4x8(behind).rgb * (4. - covered);
    pictures[((first_picture + tile) * size + size - 1 - inside.y) * size + inside.x] = packUnorm4x8(vec4(sum, covered) / 4.);
}
