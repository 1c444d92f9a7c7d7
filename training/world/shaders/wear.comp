// Hair and glasses follow the head above and the trunk below: once for each frame of a batch.
layout(local_size_x = 64) in;
void main() {
    int v = int(gl_GlobalInvocationID.x), tile = int(gl_GlobalInvocationID.y);
    if (v >= worn_count) return;
    Lock l = worn[v];
    vec4 q = vec4(l.position.xyz, 1.), r[3];
    for (int k = 0; k < 3; k++) r[k] = mix(frames[tile].bones[trunk_bone + k], frames[tile].bones[head_bone + k], l.data.w);
    int at = 3 * (tile * worn_count + v);
    worn_posed[at] = vec4(dot(r[0], q), dot(r[1], q), dot(r[2], q), 1.);
    worn_posed[at + 1] = vec4(dot(r[0].xyz, l.normal.xyz), dot(r[1].xyz, l.normal.xyz), dot(r[2].xyz, l.normal.xyz), 0.);
    worn_posed[at + 2] = vec4(dot(r[0].xyz, l.tangent.xyz), dot(r[1].xyz, l.tangent.xyz), dot(r[2].xyz, l.tangent.xyz), 0.);
}
