// What is cut out of a part: cloth at its edges, fur and beards between their hairs.
#if PART == CLOTH
bool cut(vec3 c, vec4 mask, float layer) { return cloth_cut(c, mask); }
#elif PART == HAIR
bool cut(vec3 c, vec4 mask, float layer) {
    float over = c.z - hair_edge(c.y) + .010 * (smooth3(c * 150. + seed) - .5);
    if (over < .012 * layer * (style == 5 ? 1.3 : .6) || mask.y > .25) return true;
    return fur_grain(c, layer) < .16 + layer * (style == 5 ? .34 : .55);
}
#elif PART == BEARD
bool cut(vec3 c, vec4 mask, float layer) {
    if (beard_at(c, mask.x) * 1.12 - .12 < layer * .86 + .10) return true;
    return beard_grain(c) < .14 + .50 * layer;
}
#else
bool cut(vec3 c, vec4 mask, float layer) { return false; }
#endif
