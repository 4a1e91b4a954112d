import { render } from 'preact';
import { App } from './app.js';
import { startRouter } from './route.js';
import { applyTheme } from './theme.js';
import './styles.css';

applyTheme();
startRouter();
render(<App />, document.getElementById('app')!);
