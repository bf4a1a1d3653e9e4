/** Workgroups a dispatch may have along one axis; guaranteed everywhere and rarely more. */
const maxGroupsPerAxis = 65535;

/**
 * Lays `count` workgroups out in rows. The last row may be longer than needed: kernels number
 * workgroups by `group.y * groups.x + group.x` and ignore those past the end.
 */
export function gridOf(count: number, layers: number): [x: number, y: number, z: number] {
  const rows = Math.max(1, Math.ceil(count / maxGroupsPerAxis));
  return [Math.ceil(count / rows), rows, layers];
}
