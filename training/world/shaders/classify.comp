// Sorts what is seen into lists by kind of surface, so that each pixel is shaded once for each surface in it
// and neighbouring threads shade alike.
layout(local_size_x = 8, local_size_y = 8) in;
layout(std430, binding = 9) buffer Counts { uint counts[]; };
layout(std430, binding = 10) writeonly buffer Lists { uint lists[]; };
layout(std430, binding = 11) writeonly buffer Slots { uint slots[]; };
layout(std430, binding = 14) readonly buffer LockNumbers { int lock_numbers[]; };
uniform sampler2DMS ids, depths; uniform int size, tiles, capacity;
float metres(float d) { float n = .1, f = 8.; return 2. * f * n / (f + n - (2. * d - 1.) * (f - n)); }
bool alike(uint a, uint b, float near, float far) {
    if (a >> 21 != b >> 21) return false;
    if (int(a >> 21) - 1 == LOCKS) return lock_numbers[a & 0x1ffffu] == lock_numbers[b & 0x1ffffu];
    return abs(near - far) < .012;
}
int kind_of(uint id) {
    int part = int(id >> 21) - 1;
    return part == SKIN ? 0 : part == CLOTH ? 1 : part == LOCKS ? 2 : part == HAIR || part == BEARD ? 3 : 4;
}
// One group counts for itself first: few threads then meet at the counters of all.
shared uint group_counts[5]; shared uint group_starts[5];
void main() {
    ivec2 at = ivec2(gl_GlobalInvocationID.xy), cell = at / size;
    bool inside = cell.x < GRID && cell.y * GRID + cell.x < tiles;
    uint worker = gl_LocalInvocationIndex, pixel = uint(at.y * GRID * size + at.x), id[4], share[4], place[4];
    float depth[4];
    if (worker < 5u) group_counts[worker] = 0u;
    barrier();
    for (int s = 0; s < 4; s++) {
        uvec4 b = uvec4(texelFetch(ids, at, s) * 255. + .5);
        id[s] = inside ? b.x | b.y << 8 | b.z << 16 | b.w << 24 : 0u;
        depth[s] = 0.;
        share[s] = 0u;
        place[s] = 0u;
    }
    bool one = id[0] == id[1] && id[0] == id[2] && id[0] == id[3];
    for (int s = 0; s < (one ? 0 : 4); s++) depth[s] = metres(texelFetch(depths, at, s).x);
    for (int s = 0; s < 4; s++) {
        if (id[s] == 0u) continue;
        int first = s;
        for (int k = s - 1; k >= 0; k--) if (share[k] > 0u && alike(id[k], id[s], depth[k], depth[s])) first = k;
        for (int k = 0; k < 4; k++) share[k] += k == first ? 1u : 0u;  // no index known at run time alone: fast
    }
    for (int s = 0; s < 4; s++) if (share[s] > 0u) place[s] = atomicAdd(group_counts[kind_of(id[s])], 1u);
    barrier();
    if (worker < 5u) group_starts[worker] = group_counts[worker] > 0u ? atomicAdd(counts[worker], group_counts[worker]) : 0u;
    barrier();
    for (int s = 0; s < 4; s++) {
        uint slot = pixel * 4u + uint(s);
        if (inside) slots[slot] = share[s] > 0u ? id[s] << 2 | (share[s] - 1u) : 0u;
        if (share[s] == 0u) continue;
        int kind = kind_of(id[s]);
        lists[kind * capacity + int(group_starts[kind] + place[s])] = slot;
    }
}
