// placeholder
export const PUBLIC_CANARIES_BASE64: string = '';
