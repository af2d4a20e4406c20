import { render } from 'preact';
import { App } from './app.tsx';
import '../components/theme.css';
import './operations.css';

render(<App />, document.getElementById('page') as HTMLElement);
