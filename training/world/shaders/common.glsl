// Noise shared by the person and the places.
float hash1(float x) { return fract(sin(x * 127.1) * 43758.5453); }
float hash2(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * .1031); q += dot(q, q.yzx + 33.33); return fract((q.x + q.y) * q.z);
}
float hash3(vec3 p) {
    p = fract(p * vec3(.1031, .1030, .0973)); p += dot(p, p.yxz + 33.33); return fract((p.x + p.y) * p.z);
}
float smooth2(vec2 p) {
    vec2 i = floor(p), w = fract(p); w = w * w * (3. - 2. * w);
    return mix(mix(hash2(i), hash2(i + vec2(1, 0)), w.x), mix(hash2(i + vec2(0, 1)), hash2(i + vec2(1, 1)), w.x), w.y);
}
float smooth3(vec3 p) {
    vec3 i = floor(p), u = fract(p); u = u * u * (3. - 2. * u);
    return mix(
        mix(mix(hash3(i), hash3(i + vec3(1, 0, 0)), u.x), mix(hash3(i + vec3(0, 1, 0)), hash3(i + vec3(1, 1, 0)), u.x), u.y),
        mix(mix(hash3(i + vec3(0, 0, 1)), hash3(i + vec3(1, 0, 1)), u.x), mix(hash3(i + vec3(0, 1, 1)), hash3(i + vec3(1, 1, 1)), u.x), u.y), u.z);
}
float clouds2(vec2 p) { return .5 * smooth2(p) + .28 * smooth2(p * 2.1) + .15 * smooth2(p * 4.3) + .07 * smooth2(p * 8.7); }
vec3 to_linear(vec3 c) { return pow(c, vec3(2.2)); }
vec3 to_srgb(vec3 c) { return pow(clamp(c, 0., 1.), vec3(1. / 2.2)); }
