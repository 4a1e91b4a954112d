export { startChaincodeServer, type ChaincodeServer } from './chaincode-server.js';
export { parseServerConfig, type ServerConfig } from './config.js';
export { ChaincodeError, type ChaincodeErrorCode } from './errors.js';
