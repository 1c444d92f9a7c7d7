// Paints the shells of short hair, an afro or a beard.
uniform vec3 hair;
vec3 paint(int part, int layer, int triangle, vec3 ray) {
    meet_body(part, layer, triangle, ray);
    vec3 c = v_canonical, n = normalize(v_normal), v = -ray;
    float sun = sunlit();
    if (part == BEARD) {
        vec3 b = to_linear(hair) * (.45 + .9 * beard_grain(c)) * (.55 + .55 * v_layer) + .002;
        return light(b, n, v, .02, 12., vec3(.4), .7 + .3 * v_layer, sun);
    }
    float grain = fur_grain(c, v_layer);
    vec3 b = to_linear(hair) * (.30 + 1.1 * grain * grain) * (.45 + .65 * v_layer) + .002;
    return light(b, n, v, .0, 10., vec3(.5), .55 + .45 * v_layer, sun);
}
