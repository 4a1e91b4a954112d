import { render } from 'preact';
import { App } from './app.js';
import { readSession } from './operator.js';
import { startRouter } from './route.js';
import { applyTheme } from './theme.js';
import './styles.css';

applyTheme();
void readSession();
startRouter();
render(<App />, document.getElementById('app')!);
