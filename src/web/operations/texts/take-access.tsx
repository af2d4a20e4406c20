import { ask } from '../../components/ask.ts';
import { Card } from '../../components/card.tsx';
import { TextForm } from './text-form.tsx';

/** For an emergency: access for a while, which is recorded and raises an alert. */
export const TakeAccess = ({ onTaken }: { onTaken: () => void }) => (
  <Card id="emergency" title="In an emergency" width="wide">
    <p>
      If somebody is in danger and no privacy officer can be reached, you can take access for 30 minutes. It is
      recorded, and an alert goes out at once.
    </p>
    <TextForm
      fields={{}}
      button="Take access, and raise an alert"
      submit={async ({ reason }) => {
        await ask('admin/texts/access', { body: { reason } });
        onTaken();
      }}
    />
  </Card>
);
