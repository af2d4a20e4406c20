import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ProcessList } from '../../contracts/http/process-bodies.ts';
import '../components/theme.css';

function Page() {
  const [list, setList] = useState<ProcessList>();
  useEffect(() => {
    void fetch('admin/processes').then(async (response) => {
      if (response.status === 401 || response.status === 403) location.replace('admin/login');
      else setList((await response.json()) as ProcessList);
    });
  }, []);
  return (
    <main>
      <h1>healify-chat operations</h1>
      <p>{list ? `${list.processes.length} processes` : 'Loading …'}</p>
      <a href="admin/queues">Bull Board</a>
    </main>
  );
}

render(<Page />, document.getElementById('page') as HTMLElement);
