export function latticeView() { return () => {}; }
