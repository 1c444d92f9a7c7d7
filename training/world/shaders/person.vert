#version 330
// Skinning on the GPU: every vertex follows four bones, then layers (cloth, hair) move out along the normal.
in vec3 position; in vec3 normal; in vec3 canonical; in vec4 mask; in vec4 bone; in vec4 weight;
uniform vec4 bones[150];
uniform mat4 camera; uniform mat4 sun;
uniform int part; uniform float thickness; uniform int layers; uniform int style;
out vec3 v_normal; out vec3 v_canonical; out vec3 v_world; out vec4 v_mask; out vec4 v_sun; out float v_layer;

void main() {
    vec4 r0 = vec4(0.), r1 = vec4(0.), r2 = vec4(0.);
    for (int k = 0; k < 4; k++) {
        int b = int(bone[k] + .5) * 3;
        r0 += bones[b] * weight[k]; r1 += bones[b + 1] * weight[k]; r2 += bones[b + 2] * weight[k];
    }
    v_layer = layers > 1 ? float(gl_InstanceID + 1) / float(layers) : 1.;
    vec3 p = position;
    vec3 n0 = normal;
    if (part == CLOTH) p += n0 * thickness * mix(1., .45, smoothstep(.70, .76, canonical.z));
    if (part == HAIR) {
        float up = smoothstep(.83, .97, canonical.z);
        p += n0 * (thickness * mix(.55, 1., up) * v_layer + .0012);
    }
    vec4 q = vec4(p, 1.);
    v_world = vec3(dot(r0, q), dot(r1, q), dot(r2, q));
    v_normal = vec3(dot(r0.xyz, n0), dot(r1.xyz, n0), dot(r2.xyz, n0));
    v_canonical = canonical; v_mask = mask;
    v_sun = sun * vec4(v_world, 1.);
    gl_Position = camera * vec4(v_world, 1.);
}
