// Paints skin in canonical coordinates, so that paint follows identity and expression.
uniform vec3 skin, hair, brow; uniform float female, lipstick, freckles, wrinkles;
float brow_at(vec3 c, out float strand) {
    float ax = abs(c.x), bx = (ax - .0325) / .0225;
    float arch = .9120 + .0030 * brow.y + .0052 * (1. - (bx - .25) * (bx - .25)) - .0035 * smoothstep(.4, 1.1, bx);
    float wide = (.0040 + .0014 * brow.x) * mix(1., .40, smoothstep(-.2, 1.05, bx));
    strand = smooth2(vec2(c.x * 700. + sign(c.x) * c.z * 900., c.z * 500. + seed));
    float edge = wide * (1. + .45 * (strand - .5));
    return smoothstep(edge, edge * .45, abs(c.z - arch)) * smoothstep(-1.02, -.75, bx) * smoothstep(1.08, .80, bx) * step(c.y, -.07);
}
float lines_of_age(vec3 c) {
    float ax = abs(c.x), d = 0.;
    float wob = .0022 * smooth2(vec2(c.x * 60., seed)) + .02 * c.x * c.x;
    for (int k = 0; k < 3; k++) d += smoothstep(.0016, .0, abs(c.z - (.932 + .009 * float(k)) + wob)) * smoothstep(.044, .025, ax);
    float crow = sin(atan(c.z - .890, ax - .045) * 14.);
    d += .8 * smoothstep(.55, 1., crow) * smoothstep(.050, .056, ax) * smoothstep(.072, .062, ax) * smoothstep(.016, .006, abs(c.z - .890));
    vec2 a = vec2(ax - .019, c.z - .846), e = vec2(.0135, -.030);
    float along = clamp(dot(a, e) / dot(e, e), 0., 1.);
    d += smoothstep(.0028, .0, length(a - e * along)) * .9;
    return d * step(c.y, -.055);
}
vec3 skin_tone(vec3 c, float lips, vec3 n) {
    float ax = abs(c.x), front = smoothstep(-.05, -.09, c.y);
    vec3 b = to_linear(skin);
    float deep = 1. - clamp(dot(skin, vec3(.33)) * 1.3, 0., 1.);
    b *= 1. + .05 * (smooth3(c * 420.) - .5) + .10 * (smooth3(c * 80. + seed) - .5) + .08 * (smooth3(c * 25. + seed) - .5);
    vec2 cheek = vec2(ax - .044, (c.z - .852) * 1.1);
    vec3 flush = mix(vec3(1.10, .76, .74), vec3(1.08, .88, .84), deep);
    b *= mix(vec3(1), flush, .75 * exp(-dot(cheek, cheek) / .00040) * front);
    vec2 nose = vec2(c.x, c.z - .848);
    b *= mix(vec3(1), flush, .60 * exp(-dot(nose, nose) / .00022) * front);
    b *= mix(vec3(1), flush, .5 * smoothstep(.2, .6, v_mask.y));
    vec2 socket = vec2((ax - .031) / 1.6, c.z - .886);
    b *= mix(vec3(1), vec3(.80, .74, .76), .55 * exp(-dot(socket, socket) / .00016) * front);
    if (freckles > 0.) {
        vec2 g = c.xz * 260.; vec2 id = floor(g);
        float r = .18 + .22 * hash2(id + seed);
        float spot = smoothstep(r, r * .4, length(fract(g) - .5 - .35 * (vec2(hash2(id + 3.), hash2(id + 9.)) - .5))) * step(.45, hash2(id + 17.));
        vec2 where = vec2(ax - .03, (c.z - .86) * 1.5);
        b *= mix(vec3(1), vec3(.80, .62, .50), spot * freckles * exp(-dot(where, where) / .0012) * front);
    }
    vec3 lip = mix(vec3(.90, .58, .56), mix(vec3(.95, .50, .52), vec3(1.02, .16, .24), lipstick), female);
    float crease = .90 + .2 * smooth2(vec2(c.x * 520., c.z * 60.));
    b = mix(b, b * mix(lip, vec3(.86, .66, .66), deep * .5) * crease, lips * .92);
    return b;
}
vec3 shade_skin(vec3 n, vec3 v) {
    vec3 c = v_canonical;
    float lips = smoothstep(.30, .62, v_mask.x), strand;
    float open = 1. - .80 * clamp(v_mask.z * 1.05, 0., 1.);
    vec3 b = skin_tone(c, lips, n);
    float old = lines_of_age(c) * wrinkles;
    b *= 1. - vec3(.26, .32, .34) * min(old, 1.);
    float hairy = beard_at(c, v_mask.x);
    float grain = .5 + .7 * smooth3(c * 900.);
    if (beard == 1) b = mix(b, b * .40 + to_linear(hair) * .22, clamp(hairy * grain, 0., 1.) * .62);
    else b = mix(b, to_linear(hair) * .7, clamp(hairy * (.55 + .6 * smooth3(c * 700.)), 0., .9));
    float bm = brow_at(c, strand);
    b = mix(b, to_linear(hair) * mix(.55, .95, strand), clamp(bm * (.80 + .14 * brow.z), 0., 1.));
    float ax = abs(c.x);
    // The crease of the upper lid and a hint of the lash line's shadow.
    float lid = abs(c.z - (.9010 - .32 * (ax - .031) * (ax - .031) / .02 - .0006)) ;
    b *= 1. - .22 * smoothstep(.0016, .0, lid) * smoothstep(.019, .014, abs(ax - .032)) * step(c.y, -.09);
    bool scalp = c.z > .80 && v_mask.y < .3;
    if (style > 0 && scalp) {
        float soft = style == 1 ? .006 : .004;
        float on = smoothstep(-soft, soft, c.z - hair_edge(c.y) + .010 * (smooth3(c * 160. + seed) - .5));
        b = mix(b, to_linear(hair) * (.55 + .5 * smooth3(c * 800.)), on * (style == 1 ? .82 : .95));
    }
    float shine = .055 + .05 * exp(-dot(vec2(c.x, (c.z - .87) * .5), vec2(c.x, (c.z - .87) * .5)) / .0006) * step(c.y, -.1);
    shine *= .8 + .5 * smooth3(c * 260.);
    float sun = sunlit();
    vec3 wrap = mix(vec3(.50, .30, .24), vec3(.40, .32, .30), .5);
    vec3 result = light(b, n, v, shine * (1. - hairy), 14., wrap, open, sun);
    result += key * sun * lips * (.05 + .12 * lipstick) * pow(max(dot(n, normalize(key_dir + v)), 0.), 40.);
    return result;
}
vec3 paint(int part, int layer, int triangle, vec3 ray) {
    meet_body(part, layer, triangle, ray);
    return shade_skin(normalize(v_normal), -ray);
}
