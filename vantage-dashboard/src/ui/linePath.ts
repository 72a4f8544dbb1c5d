/** Path of an SVG line. From zero to the greatest value over the whole height; one point's room at the edges for the stroke. */
export function linePath(values: readonly (number | null)[], width: number, height: number): string {
  const top = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const x = (i: number) => (values.length < 2 ? 0 : (i / (values.length - 1)) * width);
  const y = (value: number) => height - 1 - (Math.max(0, value) / top) * (height - 2);
  let path = '', isDrawing = false;
  values.forEach((value, i) => {
    if (value === null) {
      isDrawing = false;
      return;
    }
    path += `${isDrawing ? 'L' : 'M'}${x(i).toFixed(1)},${y(value).toFixed(1)}`;
    isDrawing = true;
  });
  return path;
}
