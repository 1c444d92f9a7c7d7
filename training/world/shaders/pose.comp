// Faces act and bones move: every vertex's place and normal, once for each frame of a batch.
layout(local_size_x = 64) in;
struct Frame { mat4 camera; mat4 unproject; vec4 eye; vec4 bones[150]; };
struct Vertex { vec4 canonical; vec4 mask; vec4 bone; vec4 weight; };
layout(std430, binding = 0) readonly buffer Frames { Frame frames[]; };
layout(std430, binding = 1) readonly buffer Vertices { Vertex vertices[]; };
layout(std430, binding = 2) writeonly buffer Posed { vec4 posed[]; };
layout(std430, binding = 5) readonly buffer Rest { float rest[]; };
layout(std430, binding = 6) readonly buffer Actions { float acts[]; };
layout(std430, binding = 7) readonly buffer Weights { float weights[]; };
layout(std430, binding = 8) readonly buffer Chosen { int chosen[]; };
uniform int vertex_count, acting;
void main() {
    int v = int(gl_GlobalInvocationID.x), tile = int(gl_GlobalInvocationID.y);
    if (v >= vertex_count) return;
    vec3 p = vec3(rest[6 * v], rest[6 * v + 1], rest[6 * v + 2]);
    vec3 n = vec3(rest[6 * v + 3], rest[6 * v + 4], rest[6 * v + 5]);
    for (int k = 0; k < acting; k++) {
        float w = weights[tile * acting + k];
        int at = 6 * (chosen[k] * vertex_count + v);
        p += w * vec3(acts[at], acts[at + 1], acts[at + 2]);
        n += w * vec3(acts[at + 3], acts[at + 4], acts[at + 5]);
    }
    vec4 r0 = vec4(0.), r1 = vec4(0.), r2 = vec4(0.);
    for (int k = 0; k < 4; k++) {
        int b = int(vertices[v].bone[k] + .5) * 3;
        float w = vertices[v].weight[k];
        r0 += frames[tile].bones[b] * w; r1 += frames[tile].bones[b + 1] * w; r2 += frames[tile].bones[b + 2] * w;
    }
    vec4 q = vec4(p, 1.);
    int at = 2 * (tile * vertex_count + v);
    posed[at] = vec4(dot(r0, q), dot(r1, q), dot(r2, q), 1.);
    posed[at + 1] = vec4(dot(r0.xyz, n), dot(r1.xyz, n), dot(r2.xyz, n), 0.);
}
