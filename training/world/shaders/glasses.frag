// The frame of spectacles: dark, a little shiny.
in vec3 v_normal; in vec3 v_tangent; in vec3 v_world; in vec3 v_data; in vec4 v_sun; in vec3 v_rest;
out vec4 colour;
uniform vec3 frame;
void main() {
    vec3 n = normalize(v_normal), v = normalize(eye - v_world);
    colour = vec4(film(light(frame, n, v, .35, 40., vec3(.1), 1., 1.)), 1.);
}
