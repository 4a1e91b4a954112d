/** Imported before the shim: its loggers would print a line for every refusal that a test provokes. */
process.env['CORE_CHAINCODE_LOGGING_LEVEL'] = 'CRITICAL';
