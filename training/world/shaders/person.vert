#version 330
// Skinning on the GPU: every vertex follows four bones; layers (cloth, hair, beard) move out along the normal.
in vec3 position; in vec3 normal; in vec3 canonical; in vec4 mask; in vec4 bone; in vec4 weight;
uniform vec4 bones[150];
uniform mat4 camera; uniform mat4 sun;
uniform int part; uniform float thickness; uniform int layers; uniform int style; uniform int garment;
uniform float cloth_seed;
out vec3 v_normal; out vec3 v_canonical; out vec3 v_world; out vec4 v_mask; out vec4 v_sun; out float v_layer;

float cloth_offset(vec3 c) {
    float neck = length(vec2(c.x, c.y + .02));
    float t = thickness * mix(1., .40, smoothstep(.70, .76, c.z));
    t += .004 * smoothstep(.30, .10, c.z);
    if (garment == G_TURTLENECK) t = thickness * mix(1., .55, smoothstep(.69, .73, c.z)) + .005 * smoothstep(.742, .750, c.z);
    if (garment == G_HOODIE) t += .022 * smoothstep(.135, .085, neck) * smoothstep(.695, .735, c.z - .25 * c.y);
    if (garment == G_SUIT || garment == G_JACKET) t += .006 * smoothstep(.10, .17, abs(c.x)) * smoothstep(.60, .70, c.z) ;
    return t;
}
void main() {
    vec4 r0 = vec4(0.), r1 = vec4(0.), r2 = vec4(0.);
    for (int k = 0; k < 4; k++) {
        int b = int(bone[k] + .5) * 3;
        r0 += bones[b] * weight[k]; r1 += bones[b + 1] * weight[k]; r2 += bones[b + 2] * weight[k];
    }
    v_layer = layers > 1 ? float(gl_InstanceID + 1) / float(layers) : 1.;
    vec3 p = position;
    if (part == CLOTH) p += normal * cloth_offset(canonical);
    if (part == HAIR) {
        float up = smoothstep(.83, .97, canonical.z);
        p += normal * (thickness * mix(style == 5 ? .80 : .55, 1., up) * v_layer + .0008);
    }
    if (part == BEARD) p += (normal + vec3(0., -.1, -.55)) * thickness * v_layer;
    vec4 q = vec4(p, 1.);
    v_world = vec3(dot(r0, q), dot(r1, q), dot(r2, q));
    v_normal = vec3(dot(r0.xyz, normal), dot(r1.xyz, normal), dot(r2.xyz, normal));
    v_canonical = canonical; v_mask = mask;
    v_sun = sun * vec4(v_world + v_normal * .004, 1.);
    gl_Position = camera * vec4(v_world, 1.);
}
