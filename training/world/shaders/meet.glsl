// Meets the ray of a pixel with the triangle seen there.
layout(std430, binding = 12) readonly buffer Triangles { int triangles[]; };
layout(std430, binding = 13) readonly buffer WornTriangles { int worn_triangles[]; };
uniform int glasses_first, fur_layers, beard_layers, first[8];

// How much each corner counts where the ray through a pixel meets a triangle (Moeller and Trumbore).
vec3 shares(vec3 from, vec3 ray, vec3 a, vec3 b, vec3 c) {
    vec3 e1 = b - a, e2 = c - a, p = cross(ray, e2), t = from - a, q = cross(t, e1);
    float det = dot(e1, p);
    det = abs(det) < 1e-14 ? 1e-14 : det;
    vec3 w = vec3(0., dot(t, p), dot(ray, q)) / det;
    w.x = 1. - w.y - w.z;
    w = clamp(w, 0., 1.);
    return w / (w.x + w.y + w.z);
}
void meet_body(int part, int layer, int triangle, vec3 ray) {
    int at = 3 * (first[part] + triangle);
    ivec3 k = ivec3(triangles[at], triangles[at + 1], triangles[at + 2]);
    int layers = part == HAIR ? fur_layers : part == BEARD ? beard_layers : 1;
    v_layer = layers > 1 ? float(layer + 1) / float(layers) : 1.;
    vec3 n0, n1, n2;
    vec3 a = body_at(v_tile, k.x, part, v_layer, n0), b = body_at(v_tile, k.y, part, v_layer, n1), c = body_at(v_tile, k.z, part, v_layer, n2);
    vec3 w = shares(eye, ray, a, b, c);
    v_world = mat3(a, b, c) * w;
    v_normal = mat3(n0, n1, n2) * w;
    v_canonical = mat3(vertices[k.x].canonical.xyz, vertices[k.y].canonical.xyz, vertices[k.z].canonical.xyz) * w;
    v_mask = vertices[k.x].mask * w.x + vertices[k.y].mask * w.y + vertices[k.z].mask * w.z;
}
void meet_worn(int triangle, vec3 ray) {
    ivec3 k = ivec3(worn_triangles[3 * triangle], worn_triangles[3 * triangle + 1], worn_triangles[3 * triangle + 2]);
    ivec3 at = 3 * (v_tile * worn_count + k);
    mat3 p = mat3(worn_posed[at.x].xyz, worn_posed[at.y].xyz, worn_posed[at.z].xyz);
    vec3 w = shares(eye, ray, p[0], p[1], p[2]);
    v_world = p * w;
    v_normal = mat3(worn_posed[at.x + 1].xyz, worn_posed[at.y + 1].xyz, worn_posed[at.z + 1].xyz) * w;
    v_tangent = mat3(worn_posed[at.x + 2].xyz, worn_posed[at.y + 2].xyz, worn_posed[at.z + 2].xyz) * w;
    v_data = mat3(worn[k.x].data.xyz, worn[k.y].data.xyz, worn[k.z].data.xyz) * w;
}
