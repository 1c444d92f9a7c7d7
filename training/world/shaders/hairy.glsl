// Where hair and beards grow on the skin.
uniform int beard; uniform float seed, hairline;
float ramp(float y, float a, float va, float b, float vb) { return mix(va, vb, clamp((y - a) / (b - a), 0., 1.)); }
// Height of the hairline over depth: from the forehead around the ear to the nape.
float hair_edge(float y) {
    float top = .962 + .008 * hairline;
    if (y < -.120) return top;
    if (y < -.098) return ramp(y, -.120, top, -.098, .945);
    if (y < -.084) return ramp(y, -.098, .945, -.084, .898);
    if (y < -.035) return .895;
    if (y < -.026) return ramp(y, -.035, .893, -.026, .835);
    return ramp(y, -.026, .835, .05, .812);
}
// How bearded a place of the face is (0 to 1), moustache and chin apart.
float moustache_at(vec3 c) {
    float ax = abs(c.x), mid = .8335 - .0045 * smoothstep(.010, .030, ax);
    return smoothstep(.0085, .0045, abs(c.z - mid)) * smoothstep(.036, .024, ax) * smoothstep(-.120, -.132, c.y);
}
float jaw_at(vec3 c) {
    float ax = abs(c.x);
    float cheek = .806 + .62 * max(0., ax - .022) + .010 * smoothstep(.055, .070, ax);
    return smoothstep(.008, -.006, c.z - cheek) * smoothstep(-.046, -.064, c.y) * smoothstep(.748, .768, c.z + .2 * (c.y + .09));
}
float goatee_at(vec3 c) {
    float ax = abs(c.x);
    float around = smoothstep(.034, .026, ax) * smoothstep(.022, .030, ax) * smoothstep(.835, .828, c.z);
    return max(around, smoothstep(.030, .020, ax) * smoothstep(.804, .797, c.z)) * smoothstep(.748, .762, c.z) * smoothstep(-.08, -.10, c.y);
}
float beard_at(vec3 c, float lips) {
    float m = 0.;
    if (beard == 1 || beard == 4) m = max(jaw_at(c), moustache_at(c));
    else if (beard == 2) m = moustache_at(c);
    else if (beard == 3) m = max(goatee_at(c), moustache_at(c));
    return m * (1. - smoothstep(.3, .6, lips));
}
float fur_grain(vec3 c, float layer) {
    return style == 5 ? smooth3(c * 170. + seed + layer * 5.) : smooth3(vec3(c.x * 520., c.y * 520., c.z * 240.) + seed);
}
float beard_grain(vec3 c) { return smooth3(vec3(c.x * 900., c.y * 700., c.z * 330.) + seed); }
