// Paints skin, eyes, mouth, teeth, lashes, cloth and hair in canonical coordinates.
in vec3 v_normal; in vec3 v_canonical; in vec3 v_world; in vec4 v_mask; in vec4 v_sun; in float v_layer;
out vec4 colour;
uniform int part; uniform vec3 eye;
uniform vec3 skin, hair, iris, cloth, cloth2;
uniform int style; uniform float hairline; uniform float seed; uniform float cloth_seed;
uniform vec3 brow; uniform int beard; uniform int garment; uniform int pattern;
uniform vec3 key_dir; uniform vec3 key; uniform vec3 fill; uniform vec3 rim; uniform vec3 ambient;
uniform float female; uniform float lipstick; uniform float freckles; uniform float wrinkles; uniform float grey;
uniform vec3 iris_left; uniform vec3 iris_right;

float segment(float y, float a, float va, float b, float vb) { return mix(va, vb, clamp((y - a) / (b - a), 0., 1.)); }
// Height of the hairline over depth: from the forehead around the ear to the nape.
float hair_edge(float y) {
    float top = .962 + .010 * hairline;
    if (y < -.120) return top;
    if (y < -.098) return segment(y, -.120, top, -.098, .940);
    if (y < -.084) return segment(y, -.098, .940, -.084, .893);
    if (y < -.035) return .893;
    if (y < -.026) return segment(y, -.035, .889, -.026, .835);
    return segment(y, -.026, .835, .05, .815);
}
vec3 light(vec3 base, vec3 n, vec3 v, float gloss, float wrap, vec3 bleed) {
    float d = dot(n, key_dir);
    vec3 w = clamp((vec3(d) + wrap * bleed) / (1. + wrap * bleed), 0., 1.);
    float back = max(0., (dot(n, normalize(vec3(-key_dir.x, key_dir.y, .15))) + .3) / 1.3);
    vec3 sky = ambient * mix(.62, 1.08, n.z * .5 + .5);
    vec3 h = normalize(key_dir + v);
    float s = pow(max(dot(n, h), 0.), 24.) * gloss;
    float f = pow(1. - max(dot(n, v), 0.), 3.);
    return base * (sky + w * key + back * fill) + s * key + f * rim * (.3 + .7 * max(n.z, 0.));
}
vec3 shade_skin(vec3 n, vec3 v) {
    vec3 c = v_canonical; float ax = abs(c.x);
    vec3 b = to_linear(skin);
    b *= 1. + .07 * (noise3(c * 420.) - .5) + .09 * (noise3(c * 90. + seed) - .5);
    vec2 ck = vec2(ax - .042, c.z - .852);
    b *= mix(vec3(1), vec3(1.08, .82, .80), .7 * exp(-dot(ck, ck) / .00035) * step(c.y, -.08));
    vec2 ns = vec2(c.x, c.z - .850);
    b *= mix(vec3(1), vec3(1.06, .86, .84), .5 * exp(-dot(ns, ns) / .0002));
    float lp = smoothstep(.35, .65, v_mask.x);
    vec3 lip = mix(vec3(.90, .55, .55), mix(vec3(.92, .42, .45), vec3(1.0, .16, .22), lipstick), female);
    b = mix(b, b * lip, lp * .9);
    b *= 1. - .30 * smoothstep(.782, .755, c.z) * smoothstep(-.03, -.08, c.y) * smoothstep(.69, .74, c.z);
    vec2 es = vec2((ax - .031) / 1.5, c.z - .892);
    b *= 1. - .2 * exp(-dot(es, es) / .00016) * step(c.y, -.09);
    float bx = ax - .031;
    float arch = .9145 + .003 * brow.y + .004 * cos(clamp(bx, -.03, .03) * 60. - .25);
    float tw = (.0032 + .0012 * brow.x) * mix(1., .45, smoothstep(0., .022, bx));
    float bm = smoothstep(tw, tw * .5, abs(c.z - arch)) * smoothstep(-.0215, -.0165, bx) * smoothstep(.0245, .017, bx) * step(c.y, -.08);
    bm *= .75 + .35 * noise3(vec3(c.x * 900. + c.z * 500., c.z * 900., seed));
    b = mix(b, to_linear(hair * .75), clamp(bm * (.85 + .15 * brow.z), 0., 1.));
    if (beard > 0) {
        float jl = smoothstep(.012, -.006, c.z - (.829 + .9 * max(0., ax - .03))) * smoothstep(-.055, -.07, c.y) * smoothstep(.745, .765, c.z);
        float mu = smoothstep(.0085, .005, abs(c.z - .8325)) * smoothstep(.034, .028, ax) * step(c.y, -.12);
        float amount = beard == 1 ? .35 : .9;
        float bd = max(jl * float(beard == 1 || beard == 4), mu) * (1. - lp);
        bd *= .7 + .45 * noise3(c * 1100.);
        b = mix(b, to_linear(hair * .8), clamp(bd, 0., 1.) * amount);
    }
    if (style > 0 && c.z > .80 && v_mask.y < .3) {
        float on = smoothstep(-.003, .004, c.z - hair_edge(c.y) + .004 * (noise3(c * 260.) - .5));
        b = mix(b, to_linear(hair * (.85 + .3 * noise3(c * 700.))), on * (style == 1 ? .8 : .96));
    }
    return light(b, n, v, .10, .45, vec3(1., .7, .6));
}
vec3 shade_eye(vec3 n, vec3 v) {
    vec3 c = v_canonical;
    vec3 centre = c.x > 0. ? iris_left : iris_right;
    vec3 d = normalize(c - centre); float a = length(d.xz);
    vec3 b = vec3(.86, .84, .82) * (1. - .3 * smoothstep(.45, .95, a));
    if (d.y < 0.) {
        vec3 ic = to_linear(iris) * (.7 + .6 * noise3(vec3(atan(d.x, d.z) * 6., a * 4., seed))) * mix(1.3, .45, smoothstep(.2, .5, a));
        b = mix(b, ic, smoothstep(.50, .46, a));
        b = mix(b, vec3(.004), smoothstep(.23, .19, a));
    }
    b *= 1. - .6 * smoothstep(.003, .010, c.z - .8902);
    vec3 h = normalize(key_dir + v);
    return light(b, n, v, .1, .5, vec3(1)) + smoothstep(.985, .995, dot(n, h)) * .8;
}
vec3 shade_cloth(vec3 n, vec3 v) {
    vec3 c = v_canonical; float r = abs(c.x); float neck; float front = step(c.y, .0);
    if (garment == G_TSHIRT || garment == G_SWEATER || garment == G_HOODIE) neck = .722 - .55 * max(0., .06 - r) * front;
    else if (garment == G_VNECK) neck = .722 - 1.9 * max(0., .065 - r) * front;
    else if (garment == G_TURTLENECK) neck = .775;
    else if (garment == G_SUIT || garment == G_JACKET || garment == G_SHIRT) neck = .735 - 1.2 * max(0., .07 - r) * front;
    else neck = mix(.63, .73, smoothstep(.055, .075, r) * smoothstep(.125, .105, r));
    if (c.z > neck) discard;
    float sleeve = garment == G_TSHIRT ? .75 : garment == G_TANK || garment == G_DRESS ? .02 : 1.97;
    if (v_mask.w > sleeve) discard;
    vec3 b = to_linear(cloth);
    if (pattern == 1) b = mix(b, to_linear(cloth2), step(.5, fract(c.z * 22.)));
    if (garment == G_SUIT) {
        bool chest = c.y < -.04 && r < (c.z - .47) * .36;
        if (chest) { b = vec3(.8); if (r < .010 + .02 * max(0., .69 - c.z)) b = to_linear(cloth2); }
    }
    float fold = .35 * (noise3(vec3(c.x * 26., c.y * 26., c.z * 16.) + cloth_seed) - .5);
    b *= 1. + fold + .08 * (noise3(c * 500.) - .5);
    b *= 1. - .35 * smoothstep(.012, .0, neck - c.z);
    return light(b, n, v, .0, .3, vec3(1));
}
vec3 shade_hair(vec3 n, vec3 v) {
    vec3 c = v_canonical;
    float strand = noise3(vec3(c.x * 500., c.y * 500., c.z * 70.) + seed);
    float edge = .010 * (noise3(c * 170. + seed) - .5) + .008 * (strand - .5);
    if (c.z - hair_edge(c.y) + edge - .012 * v_layer < 0.) discard;
    if (v_mask.y > .25) discard;
    if (v_layer > .5 && strand < (v_layer - .5) * .9) discard;
    vec3 b = to_linear(hair) * (.5 + .8 * strand) * (.7 + .4 * v_layer);
    if (style == 4 || style == 5) b = to_linear(hair) * (.3 + 1.2 * noise3(c * 330. + seed));
    vec3 t = normalize(cross(n, vec3(1, 0, 0)));
    float s = pow(max(0., 1. - abs(dot(t, normalize(key_dir + v)))), 10.) * .3;
    return light(b, n, v, .0, .45, vec3(1)) + to_linear(hair) * s * key;
}
void main() {
    vec3 n = normalize(v_normal), v = normalize(eye - v_world), result;
    if (part == SKIN) result = shade_skin(n, v);
    else if (part == EYE) result = shade_eye(n, v);
    else if (part == MOUTH) result = light(vec3(.10, .012, .012), n, v, .05, .4, vec3(1));
    else if (part == TEETH) result = light(vec3(.75, .72, .65), n, v, .3, .4, vec3(1)) * smoothstep(-.10, -.135, v_canonical.y);
    else if (part == LASHES) result = to_linear(hair) * .15;
    else if (part == CLOTH) result = shade_cloth(n, v);
    else result = shade_hair(n, v);
    colour = vec4(to_srgb(result), 1.);
}
