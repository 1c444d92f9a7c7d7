// Paints cloth: patterns, seams, buttons, folds.
uniform vec3 cloth, cloth2; uniform float cloth_seed; uniform int pattern;
// Folds of cloth as a height field; its slope bends the normal.
float folds(vec3 c) {
    vec3 p = c * vec3(11., 11., 6.) + cloth_seed;
    float w = smooth3(p * .8 + 3.1);
    float f = abs(smooth3(p + w * 2.2) - .5) * 2.;
    float arm = smoothstep(.12, .19, abs(c.x));
    float sleeve = abs(smooth3(vec3(c.x * 9., c.y * 9., c.z * 26. + w * 2.5) + cloth_seed) - .5) * 2.;
    return mix(f, sleeve * .8 + f * .3, arm);
}
vec3 bend(vec3 n, vec3 c, float depth, out float h) {
    float e = .006;
    h = folds(c);
    vec3 g = vec3(folds(c + vec3(e, 0, 0)) - h, folds(c + vec3(0, e, 0)) - h, folds(c + vec3(0, 0, e)) - h) / e;
    return normalize(n - depth * (g - n * dot(g, n)));
}
vec3 shade_cloth(vec3 n, vec3 v) {
    vec3 c = v_canonical; float r = abs(c.x), tilt = tilt_of(c); bool front = c.y < -.015;
    Cut k = cut_of(c);
    float edge = k.edge, ribs = k.ribs, sleeve = k.sleeve, depth = k.depth, knit = k.knit, gloss = k.gloss, sharp = k.sharp;
    vec3 b = to_linear(cloth);
    float below = edge - tilt;
    if (garment == G_TANK || garment == G_DRESS) below = edge > .79 ? 1. : below;
    if (pattern == 1) b = mix(b, to_linear(cloth2), smoothstep(.46, .54, abs(fract((v_mask.w > .05 ? v_mask.w * .30 + .1 : c.z) * 21.) - .5) * 2.));
    if (pattern == 2) {
        vec2 k = abs(fract(vec2(c.x * 22. + .25, c.z * 22.)) - .5) * 2.;
        float on = (smoothstep(.42, .5, k.x) + smoothstep(.42, .5, k.y)) * .5;
        b = mix(b, to_linear(cloth2), on * .85);
    }
    if (pattern == 3) {
        vec2 g = vec2(c.x, c.z) * 34.; g.x += .5 * mod(floor(g.y), 2.);
        b = mix(b, to_linear(cloth2), smoothstep(.27, .21, length(fract(g) - .5)));
    }
    float line = 0., inside = 0.;
    if (garment == G_SHIRT && front) {
        float placket = smoothstep(.0016, .0, abs(r - .014)) * step(c.z, .69);
        float button = smoothstep(.0050, .0038, length(vec2(c.x, fract(c.z * 13.) / 13. - .038)));
        b = mix(b, mix(b * 2.2 + .05, vec3(.75), .6), button * step(c.z, .68)); line = placket;
    }
    if (garment == G_SHIRT) {  // the collar: a band round the neck with two points in front
        float drop = front ? .034 + .022 * smoothstep(.030, .055, r) * smoothstep(.085, .060, r) : .030;
        float band = smoothstep(drop + .002, drop - .002, below);
        line = max(line * (1. - band), smoothstep(.0045, .0, abs(below - drop) - .0006) * .9);
        b *= 1. + .14 * band; n = normalize(n + vec3(0., -.10, .28) * band);
    }
    if (garment == G_SUIT || garment == G_JACKET) {
        float top = garment == G_SUIT ? .430 : .470, opening = opening_of(c);
        if (c.z < top && front) line = smoothstep(.0020, .0, r);
        if (front && opening > 0.) {
            inside = 1.;
            b = garment == G_SUIT ? vec3(.80) : vec3(.30, .30, .31); gloss = 0.;
            if (garment == G_SUIT) {
                float tie = r - (.0085 + .020 * clamp((.685 - c.z) * 3., 0., .75));
                float knot = max(r - .0145 - .25 * (c.z - .684), abs(c.z - .688) - .012);
                if (min(tie, knot) < 0. && c.z < .700) { b = to_linear(cloth2) * (.75 + .5 * step(.5, fract((c.z + c.x) * 55.))); b *= knot < 0. ? 1.2 : 1.; }
                else { float collar = abs(c.x) - .026 - .9 * (.705 - c.z); line = smoothstep(.0022, .0, abs(collar + .012)) * step(.660, c.z); }
            }
            b *= 1. - .45 * smoothstep(.014, .0, opening);
        } else if (front && opening > -.034 && c.z > top + .02) {
            float notch = smoothstep(.0022, .0, abs(tilt - .660 - .25 * (r - .09)));
            b *= 1.16; n = normalize(n + vec3(sign(c.x) * .15, -.1, .10));
            line = max(smoothstep(.0030, .0, abs(opening + .034)), notch * step(-.036, opening));
            if (garment == G_JACKET && opening > -.006) b = mix(b, vec3(.62), step(.4, fract(c.z * 170.)));
        }
    }
    if (garment == G_HOODIE && front) {
        float cord = smoothstep(.0034, .0022, abs(r - .030 - .05 * (c.z - .68) * 0.)) * step(c.z, .698) * step(.580 + .03 * step(c.x, 0.), c.z);
        b = mix(b, vec3(.72), cord);
        float pocket = max(abs(r - .0) - .13 + .5 * max(0., c.z - .36), abs(c.z - .36) - .07);
        line = max(line, smoothstep(.0030, .0, abs(pocket)));
    }
    if (knit > 0.) {
        float row = sin(c.z * 1500.) * .5 + .5, col = sin((c.x + c.y * .6) * 1100.) * .5 + .5;
        b *= 1. + .10 * knit * (row * col - .25);
    }
    if (ribs > 0. && below < ribs) {
        b *= .93 + .12 * sin(atan(c.x, c.y + .02) * 120.);
        line = max(line, smoothstep(.0025, .0, abs(below - ribs)) * .7);
    }
    if (sleeve > 0. && sleeve < 1.9) b *= 1. - .35 * smoothstep(.030, .0, sleeve - v_mask.w) * smoothstep(.0, .012, sleeve - v_mask.w);
    b *= 1. + .07 * (smooth3(c * 600.) - .5);
    b *= 1. - .45 * line;
    float crease;
    n = bend(n, c, inside > .5 ? depth * .5 : depth, crease);
    b *= .86 + .22 * crease;
    float open = (1. - .6 * v_mask.z) * (1. - .30 * smoothstep(.010, .0, below) * step(below, .5));
    return light(b, n, v, gloss, sharp, vec3(.22), open, sunlit());
}
vec3 paint(int part, int layer, int triangle, vec3 ray) {
    meet_body(part, layer, triangle, ray);
    return shade_cloth(normalize(v_normal), -ray);
}
