// Paints eyes, mouth, teeth, lashes and the frames of spectacles.
uniform vec3 hair, iris, iris_left, iris_right, frame; uniform float seed;
vec3 shade_eye(vec3 n, vec3 v) {
    vec3 c = v_canonical;
    vec3 d = normalize(c - (c.x > 0. ? iris_left : iris_right));
    float a = length(d.xz);
    vec3 b = vec3(.80, .775, .76) * (1. - .35 * smoothstep(.45, .95, a));
    b *= mix(vec3(1.), vec3(1., .84, .82), smoothstep(.55, .95, abs(d.x)));
    if (d.y < 0.) {
        float angle = atan(d.x, d.z);
        vec3 ring = to_linear(iris) * (1.15 + .75 * smooth2(vec2(angle * 9., a * 3. + seed))) * mix(1.6, .75, smoothstep(.22, .44, a));
        ring *= 1. - .75 * smoothstep(.42, .50, a);
        b = mix(b, ring, smoothstep(.525, .485, a));
        b = mix(b, vec3(.003), smoothstep(.235, .200, a));
    }
    float shade = 1. - .62 * smoothstep(-.001, .0095, c.z - .8902) - .12 * smoothstep(.006, .012, .8902 - c.z);
    vec3 result = light(b, n, v, .0, 30., vec3(.4), clamp(shade, 0., 1.), mix(1., sunlit(), .5));
    vec3 h = normalize(normalize(key_dir + vec3(0., -.7, .35)) + v);
    return result + smoothstep(.972, .990, dot(n, h)) * .75 * (key * .7 + .25);
}
vec3 shade_mouth(vec3 n, vec3 v) {
    float deep = smoothstep(-.138, -.100, v_canonical.y);
    bool tongue = n.z > .2 && v_canonical.z < .826 && abs(v_canonical.x) < .030;
    vec3 b = tongue ? vec3(.42, .10, .10) : vec3(.16, .020, .022);
    return light(b, n, v, tongue ? .08 : .02, 20., vec3(.4), 1. - .92 * deep, 1.) * .75;
}
vec3 shade_teeth(vec3 n, vec3 v) {
    vec3 c = v_canonical;
    float a = atan(c.x, -(c.y + .098)) * 7.2;
    float gap = smoothstep(.10, .02, abs(fract(a + .5) - .5));
    vec3 b = vec3(.82, .78, .69) * (1. - .35 * gap);
    float deep = smoothstep(-.138, -.112, c.y);
    return light(b, n, v, .12, 30., vec3(.5), 1. - .85 * deep, mix(1., sunlit(), .4)) * .92;
}
vec3 paint(int part, int layer, int triangle, vec3 ray) {
    if (part == GLASSES) meet_worn(glasses_first + triangle, ray);
    else meet_body(part, layer, triangle, ray);
    vec3 n = normalize(v_normal), v = -ray;
    if (part == EYE) return shade_eye(n, v);
    if (part == MOUTH) return shade_mouth(n, v);
    if (part == TEETH) return shade_teeth(n, v);
    if (part == LASHES) return light(mix(vec3(.012), to_linear(hair) * .10, .3), n, v, 0., 10., vec3(.3), 1., 1.);
    return light(frame, n, v, .35, 40., vec3(.1), 1., 1.);
}
