// How a garment is cut at height and breadth: its upper edge, ribs along it, where sleeves end, depth of folds.
struct Cut { float edge, ribs, sleeve, depth, knit, gloss, sharp; };
Cut cut_of(vec3 c) {
    float r = abs(c.x); bool front = c.y < -.015;
    Cut k = Cut(.704, 0., 1.97, .0065, 0., 0., 10.);
    if (garment == G_TSHIRT) { k.edge = .698; k.ribs = .011; k.sleeve = .70 + .05 * sin(c.y * 20.); k.depth = .0055; }
    else if (garment == G_SWEATER) { k.edge = .708; k.ribs = .020; k.knit = 1.; k.depth = .0075; }
    else if (garment == G_VNECK) { k.edge = .712 - (front ? 1.55 * max(0., .074 - r) : 0.); k.ribs = .014; k.knit = 1.; k.depth = .0075; }
    else if (garment == G_TURTLENECK) { k.edge = .780 - .28 * (c.y + .10); k.ribs = .030; k.knit = .6; }
    else if (garment == G_HOODIE) { k.edge = .716; k.ribs = .022; k.depth = .0095; }
    else if (garment == G_SHIRT) { k.edge = .722 - (front ? 1.10 * max(0., .050 - r) : 0.); k.depth = .0050; }
    else if (garment == G_SUIT) { k.edge = .735; k.depth = .0040; }
    else if (garment == G_JACKET) { k.edge = .730; k.depth = .0090; k.gloss = .35; k.sharp = 22.; }
    else if (garment == G_TANK) {
        k.edge = mix(front ? .645 : .70, .80, smoothstep(.068, .078, r)); k.sleeve = -1.; k.depth = .0050;
    } else {
        k.edge = mix(front ? .628 + 1.1 * r * r : .66, .80, smoothstep(.079, .084, r)); k.sleeve = -1.; k.depth = .0055;
    }
    return k;
}
float tilt_of(vec3 c) { return c.z - .50 * (c.y + .10); }
// How far inside the opening of a suit or jacket; negative outside of it.
float opening_of(vec3 c) {
    return garment == G_SUIT ? (c.z - .430) * .38 - abs(c.x) : (c.z - .470) * .34 - abs(c.x);
}
bool cloth_cut(vec3 c, vec4 mask) {
    Cut k = cut_of(c);
    float r = abs(c.x), tilt = tilt_of(c); bool front = c.y < -.015;
    if (tilt > k.edge) return true;
    if (k.sleeve < 0.) {  // armholes of sleeveless tops
        float strap = garment == G_TANK ? .122 : .098;
        bool side = r > strap + .35 * max(0., .655 - c.z) && c.z > .585 && (mask.w > .0 || r > strap);
        if (side && r > mix(.155, strap, smoothstep(.60, .67, c.z))) return true;
        if (mask.w > .06) return true;
    } else if (mask.w > k.sleeve) return true;
    if ((garment != G_SUIT && garment != G_JACKET) || !front || opening_of(c) <= 0.) return false;
    return tilt > (garment == G_SUIT ? .716 - .5 * max(0., .03 - r) : .700);
}
