// The light of a scene on a surface: a shadowed key, a fill from the other side, sky, rim.
uniform vec3 key_dir; uniform vec3 key; uniform vec3 fill; uniform vec3 rim; uniform vec3 ambient;
uniform sampler2DShadow shadow_map; uniform mat4 sun;
// What is being shaded; the meeting of ray and surface sets these.
int v_tile; vec3 eye, v_world, v_normal, v_tangent, v_data, v_canonical; vec4 v_mask; float v_layer;

// How much of the key light arrives (0 to 1), from this tile of the shadow map.
float sunlit() {
    vec4 at = sun * vec4(v_world + v_normal * .004, 1.);
    vec3 p = at.xyz / at.w * .5 + .5;
    if (p.x < 0. || p.x > 1. || p.y < 0. || p.y > 1. || p.z > 1.) return 1.;
    vec2 cell = vec2(v_tile % GRID, v_tile / GRID);
    float sum = 0.;
    for (int i = 0; i < 9; i++) {
        vec2 o = vec2(float(i % 3) - 1., float(i / 3) - 1.) * 1.7 / 512.;
        vec2 q = clamp(p.xy + o, .5 / 512., 1. - .5 / 512.);
        sum += textureLod(shadow_map, vec3((q + cell) / float(GRID), p.z - .0025), 0.);
    }
    return sum / 9.;
}
// wrap: how far light creeps round the edge, per colour (red goes deepest in skin); open: 1 = unoccluded.
vec3 light(vec3 base, vec3 n, vec3 v, float gloss, float sharp, vec3 wrap, float open, float sun) {
    float d = dot(n, key_dir);
    vec3 w = clamp((vec3(d) + wrap) / (1. + wrap), 0., 1.);
    w *= mix(pow(vec3(sun), 1. / (1. + 2. * wrap)), vec3(1.), .10);
    float back = max(0., (dot(n, normalize(vec3(-key_dir.x, key_dir.y, .15))) + .3) / 1.3);
    vec3 close = pow(vec3(open), vec3(1.) - wrap * .5);
    vec3 sky = ambient * mix(.62, 1.10, n.z * .5 + .5) * close;
    vec3 h = normalize(key_dir + v);
    float s = pow(max(dot(n, h), 0.), sharp) * gloss * sun * open;
    vec3 h2 = normalize(normalize(vec3(-key_dir.x, -.6, .35)) + v);
    s += .25 * pow(max(dot(n, h2), 0.), sharp) * gloss * open;
    float f = pow(1. - max(dot(n, v), 0.), 3.);
    return base * (sky + w * key * mix(vec3(1.), close, .45) + back * fill * close) + s * key + f * rim * (.25 + .75 * max(n.z, 0.)) * open;
}
// A gentle shoulder keeps bright skin and cloth from clipping.
vec3 film(vec3 c) { return to_srgb(c * (1. + c * .08) / (1. + c * .22) * 1.12); }
