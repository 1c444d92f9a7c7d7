// Strands painted along a lock, with the two highlights of hair (Kajiya and Kay's model).
uniform vec3 hair; uniform float seed;
vec3 paint(int part, int layer, int triangle, vec3 ray) {
    meet_worn(triangle, ray);
    vec3 n = normalize(v_normal), t = normalize(v_tangent), v = -ray;
    if (dot(n, v) < 0.) n = normalize(n - 1.2 * dot(n, v) * v);
    float across = v_data.x, along = v_data.y, mark = v_data.z;
    float strands = smooth2(vec2(across * 4.5 + mark * 91. + seed, along * 5. + mark * 37.));
    float tone = mix(.55, 1.0, smoothstep(0., .35, along)) * mix(.72, 1.22, mark) * mix(.72, 1.2, strands);
    tone *= 1. - .38 * across * across;
    vec3 base = to_linear(hair) * tone + .002;
    vec3 h = normalize(key_dir + v);
    float th = dot(t, h);
    float s1 = pow(max(0., 1. - th * th), 60.) * smoothstep(-.1, .5, dot(n, key_dir));
    float ts = dot(normalize(t + n * .18), h);
    float s2 = pow(max(0., 1. - ts * ts), 18.) * smoothstep(-.2, .5, dot(n, key_dir));
    float sun = sunlit();
    vec3 result = light(base, n, v, 0., 10., vec3(.45), mix(.62, 1., smoothstep(0., .3, along)), sun);
    result += key * sun * (s1 * .055 * (.4 + strands) + s2 * .42 * to_linear(hair) * (.5 + strands));
    return result;
}
