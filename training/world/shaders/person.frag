// Paints skin, eyes, mouth, teeth, lashes, cloth and fur in canonical coordinates, so that paint follows
// identity and expression. mask: lips, ears, occlusion, place along the arm (0 shoulder, 1 elbow, 2 wrist).
in vec3 v_normal; in vec3 v_canonical; in vec3 v_world; in vec4 v_mask; in vec4 v_sun; in float v_layer;
out vec4 colour;
uniform int part;
uniform vec3 skin, hair, iris, cloth, cloth2;
uniform int style; uniform float hairline; uniform float seed; uniform float cloth_seed;
uniform vec3 brow; uniform int beard; uniform int garment; uniform int pattern;
uniform float female; uniform float lipstick; uniform float freckles; uniform float wrinkles;
uniform vec3 iris_left; uniform vec3 iris_right;

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
float beard_at(vec3 c) {
    float m = 0.;
    if (beard == 1 || beard == 4) m = max(jaw_at(c), moustache_at(c));
    else if (beard == 2) m = moustache_at(c);
    else if (beard == 3) m = max(goatee_at(c), moustache_at(c));
    return m * (1. - smoothstep(.3, .6, v_mask.x));
}
float brow_at(vec3 c, out float strand) {
    float ax = abs(c.x), bx = (ax - .0325) / .0225;
    float arch = .9120 + .0030 * brow.y + .0052 * (1. - (bx - .25) * (bx - .25)) - .0035 * smoothstep(.4, 1.1, bx);
    float wide = (.0040 + .0014 * brow.x) * mix(1., .40, smoothstep(-.2, 1.05, bx));
    strand = noise2(vec2(c.x * 700. + sign(c.x) * c.z * 900., c.z * 500. + seed));
    float edge = wide * (1. + .45 * (strand - .5));
    return smoothstep(edge, edge * .45, abs(c.z - arch)) * smoothstep(-1.02, -.75, bx) * smoothstep(1.08, .80, bx) * step(c.y, -.07);
}
float lines_of_age(vec3 c) {
    float ax = abs(c.x), d = 0.;
    float wob = .0022 * noise2(vec2(c.x * 60., seed)) + .02 * c.x * c.x;
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
    b *= 1. + .05 * (noise3(c * 420.) - .5) + .10 * (noise3(c * 80. + seed) - .5) + .08 * (noise3(c * 25. + seed) - .5);
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
    float crease = .90 + .2 * noise2(vec2(c.x * 520., c.z * 60.));
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
    float hairy = beard_at(c);
    float grain = .5 + .7 * noise3(c * 900.);
    if (beard == 1) b = mix(b, b * .40 + to_linear(hair) * .22, clamp(hairy * grain, 0., 1.) * .62);
    else b = mix(b, to_linear(hair) * .7, clamp(hairy * (.55 + .6 * noise3(c * 700.)), 0., .9));
    float bm = brow_at(c, strand);
    b = mix(b, to_linear(hair) * mix(.55, .95, strand), clamp(bm * (.80 + .14 * brow.z), 0., 1.));
    float ax = abs(c.x);
    // The crease of the upper lid and a hint of the lash line's shadow.
    float lid = abs(c.z - (.9010 - .32 * (ax - .031) * (ax - .031) / .02 - .0006)) ;
    b *= 1. - .22 * smoothstep(.0016, .0, lid) * smoothstep(.019, .014, abs(ax - .032)) * step(c.y, -.09);
    bool scalp = c.z > .80 && v_mask.y < .3;
    if (style > 0 && scalp) {
        float soft = style == 1 ? .006 : .004;
        float on = smoothstep(-soft, soft, c.z - hair_edge(c.y) + .010 * (noise3(c * 160. + seed) - .5));
        b = mix(b, to_linear(hair) * (.55 + .5 * noise3(c * 800.)), on * (style == 1 ? .82 : .95));
    }
    float shine = .055 + .05 * exp(-dot(vec2(c.x, (c.z - .87) * .5), vec2(c.x, (c.z - .87) * .5)) / .0006) * step(c.y, -.1);
    shine *= .8 + .5 * noise3(c * 260.);
    float sun = sunlit(v_sun);
    vec3 wrap = mix(vec3(.50, .30, .24), vec3(.40, .32, .30), .5);
    vec3 result = light(b, n, v, shine * (1. - hairy), 14., wrap, open, sun);
    result += key * sun * lips * (.05 + .12 * lipstick) * pow(max(dot(n, normalize(key_dir + v)), 0.), 40.);
    return result;
}
vec3 shade_eye(vec3 n, vec3 v) {
    vec3 c = v_canonical;
    vec3 d = normalize(c - (c.x > 0. ? iris_left : iris_right));
    float a = length(d.xz);
    vec3 b = vec3(.80, .775, .76) * (1. - .35 * smoothstep(.45, .95, a));
    b *= mix(vec3(1.), vec3(1., .84, .82), smoothstep(.55, .95, abs(d.x)));
    if (d.y < 0.) {
        float angle = atan(d.x, d.z);
        vec3 ring = to_linear(iris) * (1.15 + .75 * noise2(vec2(angle * 9., a * 3. + seed))) * mix(1.6, .75, smoothstep(.22, .44, a));
        ring *= 1. - .75 * smoothstep(.42, .50, a);
        b = mix(b, ring, smoothstep(.525, .485, a));
        b = mix(b, vec3(.003), smoothstep(.235, .200, a));
    }
    float shade = 1. - .62 * smoothstep(-.001, .0095, c.z - .8902) - .12 * smoothstep(.006, .012, .8902 - c.z);
    vec3 result = light(b, n, v, .0, 30., vec3(.4), clamp(shade, 0., 1.), mix(1., sunlit(v_sun), .5));
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
    return light(b, n, v, .12, 30., vec3(.5), 1. - .85 * deep, mix(1., sunlit(v_sun), .4)) * .92;
}
// Folds of cloth as a height field; its slope bends the normal.
float folds(vec3 c) {
    vec3 p = c * vec3(11., 11., 6.) + cloth_seed;
    float w = noise3(p * .8 + 3.1);
    float f = abs(noise3(p + w * 2.2) - .5) * 2.;
    float arm = smoothstep(.12, .19, abs(c.x));
    float sleeve = abs(noise3(vec3(c.x * 9., c.y * 9., c.z * 26. + w * 2.5) + cloth_seed) - .5) * 2.;
    return mix(f, sleeve * .8 + f * .3, arm);
}
vec3 bend(vec3 n, vec3 c, float depth) {
    float e = .006, h = folds(c);
    vec3 g = vec3(folds(c + vec3(e, 0, 0)) - h, folds(c + vec3(0, e, 0)) - h, folds(c + vec3(0, 0, e)) - h) / e;
    return normalize(n - depth * (g - n * dot(g, n)));
}
vec3 shade_cloth(vec3 n, vec3 v) {
    vec3 c = v_canonical; float r = abs(c.x); bool front = c.y < -.015;
    float tilt = c.z - .50 * (c.y + .10);
    float edge = .704, ribs = 0., sleeve = 1.97, depth = .0065, knit = 0.;
    vec3 b = to_linear(cloth); float gloss = .0, sharp = 10.;
    if (garment == G_TSHIRT) { edge = .698; ribs = .011; sleeve = .70 + .05 * sin(c.y * 20.); depth = .0055; }
    else if (garment == G_SWEATER) { edge = .708; ribs = .020; knit = 1.; depth = .0075; }
    else if (garment == G_VNECK) { edge = .712 - (front ? 1.55 * max(0., .074 - r) : 0.); ribs = .014; knit = 1.; depth = .0075; }
    else if (garment == G_TURTLENECK) { edge = .780 - .28 * (c.y + .10); ribs = .030; knit = .6; }
    else if (garment == G_HOODIE) { edge = .716; ribs = .022; depth = .0095; }
    else if (garment == G_SHIRT) { edge = .722 - (front ? 1.10 * max(0., .050 - r) : 0.); depth = .0050; }
    else if (garment == G_SUIT) { edge = .735; depth = .0040; }
    else if (garment == G_JACKET) { edge = .730; depth = .0090; gloss = .35; sharp = 22.; }
    else if (garment == G_TANK) {
        edge = mix(.645, .80, smoothstep(.068, .078, r)); sleeve = -1.; depth = .0050;
        if (!front) edge = mix(.70, .80, smoothstep(.068, .078, r));
    } else {
        edge = mix(.628 + 1.1 * r * r, .80, smoothstep(.079, .084, r)); sleeve = -1.; depth = .0055;
        if (!front) edge = mix(.66, .80, smoothstep(.079, .084, r));
    }
    if (tilt > edge) discard;
    if (sleeve < 0.) {  // armholes of sleeveless tops
        float strap = garment == G_TANK ? .122 : .098;
        if (r > strap + .35 * max(0., .655 - c.z) && c.z > .585 && (v_mask.w > .0 || r > strap)) { if (r > mix(.155, strap, smoothstep(.60, .67, c.z))) discard; }
        if (v_mask.w > .06) discard;
    } else if (v_mask.w > sleeve) discard;
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
        float top = garment == G_SUIT ? .430 : .470, slope = garment == G_SUIT ? .38 : .34;
        float opening = (c.z - top) * slope - r;
        if (c.z < top && front) line = smoothstep(.0020, .0, r);
        if (front && opening > 0.) {
            inside = 1.;
            b = garment == G_SUIT ? vec3(.80) : vec3(.30, .30, .31); gloss = 0.;
            if (tilt > (garment == G_SUIT ? .716 - .5 * max(0., .03 - r) : .700)) discard;
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
    b *= 1. + .07 * (noise3(c * 600.) - .5);
    b *= 1. - .45 * line;
    n = inside > .5 ? bend(n, c, depth * .5) : bend(n, c, depth);
    float crease = folds(c);
    b *= .86 + .22 * crease;
    float open = (1. - .6 * v_mask.z) * (1. - .30 * smoothstep(.010, .0, below) * step(below, .5));
    return light(b, n, v, gloss, sharp, vec3(.22), open, sunlit(v_sun));
}
vec3 shade_fur(vec3 n, vec3 v) {  // shells of short hair, an afro
    vec3 c = v_canonical;
    float grain = style == 5 ? noise3(c * 170. + seed + v_layer * 5.) : noise3(vec3(c.x * 520., c.y * 520., c.z * 240.) + seed);
    float over = c.z - hair_edge(c.y) + .010 * (noise3(c * 150. + seed) - .5);
    if (over < .012 * v_layer * (style == 5 ? 1.3 : .6)) discard;
    if (v_mask.y > .25) discard;
    if (grain < .16 + v_layer * (style == 5 ? .34 : .55)) discard;
    vec3 b = to_linear(hair) * (.30 + 1.1 * grain * grain) * (.45 + .65 * v_layer) + .002;
    return light(b, n, v, .0, 10., vec3(.5), .55 + .45 * v_layer, sunlit(v_sun));
}
vec3 shade_beard(vec3 n, vec3 v) {
    vec3 c = v_canonical;
    float m = beard_at(c), grain = noise3(vec3(c.x * 900., c.y * 700., c.z * 330.) + seed);
    if (m * 1.12 - .12 < v_layer * .86 + .10 || grain < .14 + .50 * v_layer) discard;
    vec3 b = to_linear(hair) * (.45 + .9 * grain) * (.55 + .55 * v_layer) + .002;
    return light(b, n, v, .02, 12., vec3(.4), .7 + .3 * v_layer, sunlit(v_sun));
}
void main() {
    vec3 n = normalize(v_normal), v = normalize(eye - v_world), result;
    if (part == SKIN) result = depth_only > 0 ? vec3(0.) : shade_skin(n, v);
    else if (part == EYE) result = shade_eye(n, v);
    else if (part == MOUTH) result = shade_mouth(n, v);
    else if (part == TEETH) result = shade_teeth(n, v);
    else if (part == LASHES) result = light(mix(vec3(.012), to_linear(hair) * .10, .3), n, v, 0., 10., vec3(.3), 1., 1.);
    else if (part == CLOTH) result = shade_cloth(n, v);
    else if (part == BEARD) result = shade_beard(n, v);
    else result = shade_fur(n, v);
    colour = vec4(film(result), 1.);
}
