export function generate(text: string): { toCanvas(canvas: HTMLCanvasElement, colours: { on: number[]; off: number[] }): void };
