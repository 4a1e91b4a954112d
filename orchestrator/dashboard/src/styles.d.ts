/** The bundler turns an imported style sheet into a file; there is nothing to bind. */
declare module '*.css';
