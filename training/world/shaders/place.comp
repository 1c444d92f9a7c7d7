// The places behind the person, each painted from noise and a seed. q runs from 0 to 1, y up.
layout(local_size_x = 8, local_size_y = 8) in;
layout(std430, binding = 15) writeonly buffer Place { uint place[]; };
uniform int size, tiles; uniform float seed; uniform vec3 backdrop; uniform vec3 views[TILES]; uniform vec3 tint;

float pick(float x) { return hash1(x + seed * 3.7); }
float disc(vec2 p, float r) { return smoothstep(r, r * .93, length(p)); }
float box(vec2 p, vec2 low, vec2 high) { return step(low.x, p.x) * step(p.x, high.x) * step(low.y, p.y) * step(p.y, high.y); }

vec3 studio(vec2 q) {
    float d = length((q - vec2(.5, .58)) * vec2(1., .9));
    vec3 c = backdrop * (1.12 - .85 * d * d);
    return c * (1. - .16 * smoothstep(.22, .0, q.y));
}
vec3 beach(vec2 q) {
    float horizon = .50 + .06 * (pick(1.) - .5);
    vec3 c;
    if (q.y > horizon) {
        c = mix(vec3(.74, .88, .96), vec3(.26, .56, .90), clamp((q.y - horizon) * 1.8, 0., 1.));
        c = mix(c, vec3(.98), .8 * smoothstep(.52, .75, clouds2(vec2(q.x * 3., q.y * 7.) + seed)));
    } else if (q.y > horizon - .20) {
        c = mix(vec3(.25, .70, .74), vec3(.04, .34, .60), (q.y - horizon + .2) * 5.);
        c += .14 * smoothstep(.6, .8, clouds2(vec2(q.x * 7., q.y * 50.)));
    } else c = vec3(.91, .80, .60) * (.86 + .26 * clouds2(q * 26.));
    float foam = abs(q.y - horizon + .2 + .012 * sin(q.x * 14. + seed));
    c = mix(c, vec3(.97), smoothstep(.016, .002, foam));
    if (pick(5.) > .5) {  // a palm's leaves in a corner
        vec2 p = vec2(pick(6.) > .5 ? 1. - q.x : q.x, q.y) - vec2(.02, .97);
        float a = atan(p.y, p.x), leaf = abs(fract(a * 2.2) - .5) * 2.;
        c = mix(c, vec3(.07, .30, .10) * (.7 + .6 * smooth2(q * 60.)), step(leaf, .62 - length(p) * 1.3) * step(length(p), .42));
    }
    return c;
}
vec3 forest(vec2 q) {
    vec3 c = mix(vec3(.55, .72, .38), vec3(.16, .34, .12), clouds2(q * 5. + seed)) * (.65 + .6 * q.y);
    for (int k = 0; k < 3; k++) {
        float depth = float(k) / 2., n = mix(13., 5., depth);
        float wobble = .5 * smooth2(vec2(q.y * 2., 7. + float(k)));
        float x = q.x * n + wobble + float(k) * 3.3, id = floor(x) + float(k) * 57.;
        float w = (.10 + .14 * pick(id + 9.)) * (1. + .3 * smoothstep(.3, .1, q.y));
        if (pick(id) > .35) {
            float e = (fract(x) - .5) / w;
            vec3 bark = mix(vec3(.40, .42, .30), vec3(.25, .16, .10), depth) * (.55 + .6 * smooth2(vec2(q.x * 70., q.y * 9.)));
            c = mix(c, bark * (1.1 - .6 * e * e + .25 * e), smoothstep(1.05, .95, abs(e)));
        }
        float leaves = smoothstep(.60, .68, clouds2(q * (7. + 4. * float(k)) + 11. * float(k) + seed) + .34 * (q.y - .55));
        c = mix(c, mix(vec3(.34, .56, .18), vec3(.12, .32, .08), smooth2(q * 45.)) * (.7 + .3 * depth), leaves);
    }
    float floor_ = smoothstep(.24, .18, q.y + .03 * smooth2(q * 20.));
    return mix(c, vec3(.26, .34, .11) * (.55 + .9 * clouds2(q * 22.)), floor_);
}
vec3 towers(vec2 q, vec3 c, bool night) {
    for (int k = 0; k < 3; k++) {
        float n = k == 0 ? 11. : k == 1 ? 7. : 4.6, x = q.x * n + float(k) * .37 + seed, id = floor(x) + float(k) * 31.;
        float top = (k == 0 ? .58 : k == 1 ? .44 : .28) + .32 * pick(id), near = float(k) / 2.;
        if (q.y > top) continue;
        vec3 day = mix(vec3(.50, .54, .60), vec3(.68, .58, .50), pick(id + 5.)) * mix(1.05, .7, near);
        vec3 wall = night ? vec3(.055, .06, .10) * mix(1.5, .8, near) : mix(day, vec3(.70, .78, .86), .35 * (1. - near));
        vec2 w = vec2(fract(x) * (4. + floor(3. * pick(id + 2.))), q.y * mix(40., 20., near)), f = fract(w);
        if (f.x > .22 && f.x < .80 && f.y > .25 && f.y < .8) {
            float on = hash2(floor(w) + id * 7.);
            if (night) wall = on > .52 ? mix(vec3(1., .80, .42), vec3(.75, .86, 1.), step(.9, on)) * (.6 + .4 * pick(on)) : wall * .7;
            else wall = on > .85 ? vec3(.96, .93, .80) : mix(vec3(.20, .28, .36), vec3(.55, .68, .80), q.y);
        }
        c = wall * (fract(x) < .04 ? .8 : 1.);
    }
    return c;
}
vec3 city(vec2 q) {
    vec3 sky = mix(vec3(.86, .88, .90), vec3(.42, .64, .90), q.y);
    sky = mix(sky, vec3(.98), .5 * smoothstep(.55, .75, clouds2(vec2(q.x * 3., q.y * 6.) + seed)));
    return towers(q, sky, false);
}
vec3 night_city(vec2 q) {
    vec3 sky = mix(vec3(.20, .14, .28), vec3(.015, .025, .09), q.y);
    vec2 g = q * 34., id = floor(g);
    if (hash2(id + seed) > .90) sky += smoothstep(.14, .02, length(fract(g) - .5)) * .8;
    vec2 moon = vec2(pick(2.) > .5 ? .84 : .16, .87);
    sky = mix(sky, vec3(.97, .95, .86), disc(q - moon, .055)) + .10 * exp(-16. * length(q - moon));
    return towers(q, sky, true);
}
vec3 books(vec2 q, float shelves) {
    float level = floor(q.y * shelves), r = fract(q.y * shelves);
    float k = floor(q.x * 30. + hash1(level) * 9.), h = .55 + .35 * hash2(vec2(k, level));
    vec3 c = vec3(.32, .20, .12);
    if (r > .09 && r < h) {
        vec3 b = .18 + .6 * vec3(hash2(vec2(k, level + 1.)), hash2(vec2(k, level + 2.)) * .8, hash2(vec2(k, level + 3.)) * .7);
        c = b * (fract(q.x * 30. + hash1(level) * 9.) < .10 ? .55 : 1.) * (r > h * .7 && r < h * .78 ? 1.3 : 1.);
    } else if (r > .09) c = vec3(.14, .085, .05);
    return c;
}
vec3 pane(vec2 q, vec2 low, vec2 high, vec3 outside) {
    vec2 p = (q - low) / (high - low);
    vec3 c = outside;
    vec2 bar = abs(fract(p * 2.) - .5);
    if (max(bar.x, bar.y) > .47 || min(p.x, p.y) < .03 || max(p.x, p.y) > .97) c = vec3(.96);
    return c;
}
vec3 office(vec2 q) {
    vec3 c = vec3(.84, .85, .86) * (.92 + .1 * q.y);
    vec2 low = vec2(.03, .42), high = vec2(.42, .93);
    if (box(q, low, high) > .5) {
        c = pane(q, low, high, mix(vec3(.82, .90, .97), vec3(.56, .78, .95), q.y));
        if (fract(q.y * 30.) < .35) c = mix(c, vec3(.94), .7);
    }
    if (q.x > .62 && q.y > .34 && q.y < .90) {
        vec2 s = vec2((q.x - .62) * 3., (q.y - .34) * 3.6);
        c = vec3(.60, .62, .65);
        if (fract(s.y) > .07 && fract(s.x * 4.) > .12 && fract(s.y) < .85) c = mix(vec3(.20, .35, .60), vec3(.78, .30, .20), step(.6, hash2(floor(vec2(s.x * 4., s.y)) + seed)));
        if (fract(s.y) > .30 && fract(s.y) < .48 && fract(s.x * 4.) > .3) c = vec3(.95);
    }
    if (q.y < .20) c = vec3(.58, .44, .30) * (.85 + .2 * smooth2(vec2(q.x * 6., q.y * 60.)));
    if (box(q, vec2(.10, .18), vec2(.34, .36)) > .5) c = box(q, vec2(.12, .20), vec2(.32, .34)) > .5 ? vec3(.20, .34, .52) + .1 * q.x : vec3(.08);
    return c;
}
vec3 mountains(vec2 q) {
    vec3 c = mix(vec3(.82, .90, .97), vec3(.30, .54, .88), q.y);
    for (int k = 0; k < 2; k++) {
        float s = k == 0 ? 1.4 : 1.9, base = k == 0 ? .48 : .32;
        float x = q.x * s + pick(float(k));
        float ridge = base + .34 * (1. - abs(fract(x) - .5) * 2.) * (.7 + .5 * pick(floor(x) + 3.)) + .06 * clouds2(vec2(q.x * 14., float(k)));
        if (q.y < ridge) {
            float side = fract(x) > .5 + .08 * (smooth2(q * 30.) - .5) ? .72 : 1.05;
            float snow = smoothstep(.10, .02, ridge - q.y - .16 * clouds2(q * 14.) + (k == 0 ? -.08 : .0));
            vec3 rock = vec3(.34, .38, .47) * (.7 + .5 * clouds2(q * 12.)) * side;
            c = mix(mix(rock, vec3(.60, .70, .84), .25 * float(1 - k)), vec3(.95, .97, 1.) * mix(.82, 1., side), snow);
        }
    }
    if (q.y < .24 + .06 * smooth2(vec2(q.x * 5., 3. + seed))) c = vec3(.93, .95, .99) * (.90 + .1 * smooth2(q * 24.));
    return c;
}
vec3 desert(vec2 q) {
    vec3 c = mix(vec3(.99, .86, .60), vec3(.46, .66, .88), clamp((q.y - .38) * 1.6, 0., 1.));
    float far_ = .44 + .06 * sin(q.x * 5. + seed), near = .28 + .07 * sin(q.x * 6. + seed * 2.);
    if (q.y < far_) c = mix(vec3(.93, .70, .42), vec3(.78, .50, .27), smoothstep(-.4, .6, cos(q.x * 5. + seed) + .25 * smooth2(q * vec2(9., 30.))));
    if (q.y < near) c = mix(vec3(.90, .64, .36), vec3(.66, .39, .20), smoothstep(-.4, .6, cos(q.x * 6. + seed * 2.))) * (.9 + .16 * sin((q.y + .1 * smooth2(q * 6.)) * 160.));
    vec2 p = vec2(q.x - (pick(8.) > .5 ? .86 : .13), q.y - .30);
    float arm = max(box(abs(p) , vec2(0), vec2(.022, .26)), max(box(p, vec2(.0, .06), vec2(.09, .10)), box(p, vec2(.06, .06), vec2(.095, .18))));
    return mix(c, vec3(.20, .40, .16) * (.8 + .5 * step(.5, fract(q.x * 90.))), arm);
}
vec3 living_room(vec2 q) {
    vec3 wall = mix(vec3(.86, .78, .66), vec3(.66, .74, .70), pick(1.));
    vec3 c = wall * (.88 + .14 * q.y);
    vec2 f = vec2(.08 + .5 * step(.5, pick(3.)), .62);
    if (box(q, f, f + vec2(.30, .26)) > .5) {  // a framed picture
        vec2 p = (q - f) / vec2(.30, .26);
        c = vec3(.30, .20, .12);
        if (box(p, vec2(.08), vec2(.92)) > .5) c = mix(vec3(.90, .55, .30), vec3(.20, .45, .55), smoothstep(.3, .6, p.y + .2 * sin(p.x * 6. + seed)));
    }
    float lamp = pick(3.) > .5 ? .16 : .84;
    c += vec3(.26, .20, .10) * exp(-9. * length((q - vec2(lamp, .70)) * vec2(1., .8)));
    if (abs(q.x - lamp) < .10 - .22 * (q.y - .62) && q.y > .62 && q.y < .78) c = vec3(1., .90, .66);
    if (abs(q.x - lamp) < .010 && q.y < .62) c = vec3(.25, .18, .12);
    vec3 sofa = mix(vec3(.24, .36, .46), vec3(.55, .28, .22), pick(2.));
    float back = .40 + .015 * smoothstep(.46, .5, abs(fract(q.x * 3.) - .5)) * -1.;
    if (q.y < back) c = sofa * (.75 + .5 * smoothstep(.1, .40, q.y)) * (abs(fract(q.x * 3.) - .5) > .485 ? .6 : 1.) * (.94 + .1 * smooth2(q * 120.));
    return c;
}
vec3 garden(vec2 q) {
    vec3 c = mix(vec3(.60, .82, .95), vec3(.40, .66, .92), q.y);
    c = mix(c, vec3(.20, .44, .14) * (.6 + .8 * clouds2(q * 16.)), smoothstep(.02, -.02, q.y - .62 - .10 * clouds2(vec2(q.x * 6., seed))));
    if (q.y < .5) c = mix(vec3(.16, .38, .10), vec3(.36, .58, .18), clouds2(q * vec2(40., 14.))) ;
    for (int k = 0; k < 3; k++) {
        float n = k == 0 ? 26. : k == 1 ? 17. : 10.;
        vec2 g = q * n + float(k) * 5.3 + seed, id = floor(g);
        float h = hash2(id + float(k) * 19.);
        vec2 p = fract(g) - .5 - .3 * (vec2(hash2(id + 3.), hash2(id + 7.)) - .5);
        float petals = .30 + .08 * cos(atan(p.y, p.x) * 5. + h * 6.);
        if (h > .45 && q.y < (k == 0 ? .66 : k == 1 ? .52 : .34)) {
            vec3 f = h > .85 ? vec3(.96, .82, .20) : h > .72 ? vec3(.90, .22, .30) : h > .58 ? vec3(.95, .60, .78) : vec3(.62, .36, .80);
            c = mix(c, f * (.75 + .5 * p.y + .2), smoothstep(petals, petals - .05, length(p)));
            c = mix(c, vec3(.98, .85, .30), smoothstep(.09, .06, length(p)));
        }
    }
    return c;
}
vec3 library(vec2 q) {
    vec3 c = books(q + vec2(seed, 0.), 5.);
    float post = abs(fract(q.x * 2.2 + .2) - .5);
    if (post > .47) c = vec3(.38, .24, .14) * (1.2 - .4 * abs(post - .485) * 60.);
    return c * (.70 + .45 * q.y);
}
vec3 kitchen(vec2 q) {
    vec3 c = vec3(.93, .92, .88);
    vec2 t = q * vec2(11., 15.);
    t.x += .5 * mod(floor(t.y), 2.);
    vec3 tile = mix(vec3(.80, .89, .88), vec3(.90, .94, .93), hash2(floor(t) + seed));
    c = max(step(.94, fract(t.x)), step(.92, fract(t.y))) > .5 ? vec3(.70, .74, .74) : tile;
    vec3 door = mix(vec3(.32, .48, .44), vec3(.82, .66, .44), step(.5, pick(2.)));
    if (q.y > .68) {
        vec2 p = fract(vec2(q.x * 3.2 + .3, (q.y - .68) / .34));
        c = door * (max(abs(p.x - .5), abs(p.y - .5)) > .46 ? .6 : max(abs(p.x - .5), abs(p.y - .5)) > .38 ? 1.12 : 1.);
        if (abs(p.x - .82) < .02 && p.y < .32 && p.y > .12) c = vec3(.85);
    }
    if (q.y < .30) c = vec3(.30, .31, .33) * (.85 + .4 * smooth2(q * 90.));
    if (q.y < .26) c = door * .8;
    float s = pick(3.) > .5 ? .82 : .16;
    if (abs(q.x - s) < .055 && q.y > .30 && q.y < .44) c = vec3(.80, .20, .14) * (1.25 - abs(q.x - s + .015) * 9.);
    if (abs(q.x - (1. - s)) < .03 && q.y > .30 && q.y < .50) c = vec3(.14, .40, .22) * (1.3 - abs(q.x - 1. + s) * 14.);
    return c;
}
vec3 bricks(vec2 q) {
    vec2 b = q * vec2(7., 17.);
    b.x += .5 * mod(floor(b.y), 2.);
    vec2 f = fract(b);
    vec3 c = mix(vec3(.66, .30, .21), vec3(.46, .20, .15), hash2(floor(b) + seed)) * (.75 + .45 * clouds2(q * 40.));
    float mortar = max(smoothstep(.93, .96, f.x), smoothstep(.86, .92, f.y));
    c *= 1. - .25 * smoothstep(.15, .0, f.y);
    return mix(c, vec3(.72, .68, .62) * (.85 + .2 * smooth2(q * 90.)), mortar);
}
vec3 stage(vec2 q) {
    float fold = sin(q.x * 46. + 3. * smooth2(vec2(q.x * 6., seed)));
    vec3 c = mix(vec3(.42, .03, .06), vec3(.12, .06, .30), step(.6, pick(1.))) * (.42 + .40 * fold * fold + .2 * fold);
    for (int k = 0; k < 3; k++) {
        float x0 = .15 + .35 * float(k), lean = .25 * (pick(float(k)) - .5);
        float beam = abs(q.x - x0 - lean * (1. - q.y)) / (.03 + .16 * (1. - q.y));
        c += vec3(.50, .42, .26) * smoothstep(1., .2, beam) * (.25 + .75 * q.y);
        c = mix(c, vec3(1., .97, .86), disc((q - vec2(x0, .97)) * vec2(1., 1.4), .035));
    }
    if (q.y < .16) c = vec3(.28, .18, .11) * (.7 + .5 * smooth2(vec2(q.x * 60., q.y * 5.)));
    return c;
}
void main() {
    ivec3 at = ivec3(gl_GlobalInvocationID);
    if (at.x >= size || at.y >= size || at.z >= tiles) return;
    vec3 view = views[at.z];
    vec2 q = ((vec2(at.xy) + .5) / float(size) - .5) / view.z + .5 + view.xy;
    vec3 c = PLACE(q);
    place[(at.z * size + at.y) * size + at.x] = packUnorm4x8(vec4(c * tint, 0.));
}
