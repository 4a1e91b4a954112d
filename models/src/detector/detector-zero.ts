// placeholder
export const DETECTOR_ZERO_BASE64: string = '';
export const TABLE_ZERO_BASE64: string = '';
