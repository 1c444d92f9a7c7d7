#version 330
// Locks follow the head above and the trunk below.
in vec3 position; in vec3 normal; in vec3 tangent; in vec3 data; in float head;
uniform vec4 head_rows[3]; uniform vec4 trunk_rows[3]; uniform mat4 camera; uniform mat4 sun;
out vec3 v_normal; out vec3 v_tangent; out vec3 v_world; out vec3 v_data; out vec4 v_sun; out vec3 v_rest;
void main() {
    vec4 r0 = mix(trunk_rows[0], head_rows[0], head);
    vec4 r1 = mix(trunk_rows[1], head_rows[1], head);
    vec4 r2 = mix(trunk_rows[2], head_rows[2], head);
    vec4 q = vec4(position, 1.);
    v_world = vec3(dot(r0, q), dot(r1, q), dot(r2, q));
    v_normal = vec3(dot(r0.xyz, normal), dot(r1.xyz, normal), dot(r2.xyz, normal));
    v_tangent = vec3(dot(r0.xyz, tangent), dot(r1.xyz, tangent), dot(r2.xyz, tangent));
    v_data = data; v_rest = position;
    v_sun = sun * vec4(v_world + v_normal * .004, 1.);
    gl_Position = camera * vec4(v_world, 1.);
}
