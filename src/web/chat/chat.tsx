import { useEffect, useRef, useState } from 'preact/hooks';
import type { Me } from '../../contracts/http/me.ts';
import { AccountView } from './account/account-view.tsx';
import { client, login } from './api.ts';
import { ConversationView } from './conversation/conversation-view.tsx';
import { useConversation } from './conversation/use-conversation.ts';
import { SideList } from './side/side-list.tsx';
import { useSessions } from './side/use-sessions.ts';
import { useOnline } from './use-online.ts';
import { useRoute } from './use-route.ts';
import { UnverifiedNotice } from './verify-email.tsx';

/** The page of somebody who has signed in. */
export function Chat({ userId }: { userId: string }) {
  const { sessionId, isAccount, show, showAccount } = useRoute();
  const sessions = useSessions();
  const online = useOnline();
  const [isListOpen, setIsListOpen] = useState(false);
  const [me, setMe] = useState<Me>();
  const heading = useRef<HTMLHeadingElement>(null);
  const listButton = useRef<HTMLButtonElement>(null);
  const conversation = useConversation(sessionId, (accepted, { isOpen }) => {
    if (isOpen) show(accepted);
    sessions.changed(accepted);
  });
  const { state } = conversation;
  const conversationTitle =
    sessions.titleOf(state.sessionId) ?? state.title ?? (state.sessionId ? 'Conversation' : 'New conversation');
  const title = isAccount ? 'Account' : conversationTitle;

  useEffect(() => {
    document.title = isAccount || state.sessionId ? `${title} · healify-chat` : 'healify-chat';
  }, [title, isAccount, state.sessionId]);
  useEffect(() => {
    const load = () => void client.me().then(setMe, () => {});
    load();
    if (!me?.mustVerifyEmail) return;
    // The link may have been opened in another tab, or on another device.
    addEventListener('focus', load);
    return () => removeEventListener('focus', load);
  }, [me?.mustVerifyEmail]);
  useEffect(
    () =>
      sessions.onElsewhere((changed) => {
        if (changed === conversation.state.sessionId) void conversation.load();
      }),
    [conversation],
  );
  // Somebody who works by keyboard lands at the beginning of what they have chosen.
  const open = (next: string | undefined) => {
    show(next);
    setIsListOpen(false);
    requestAnimationFrame(() => {
      if (next) heading.current?.focus();
      else document.getElementById('question')?.focus();
    });
  };
  const openAccount = () => {
    showAccount();
    setIsListOpen(false);
    requestAnimationFrame(() => heading.current?.focus());
  };
  const closeList = () => {
    setIsListOpen(false);
    listButton.current?.focus();
  };
  useEffect(() => document.getElementById('question')?.focus(), []);

  return (
    <div class={isListOpen ? 'chat list-open' : 'chat'}>
      <button type="button" class="skip" onClick={() => document.getElementById('question')?.focus()}>
        Skip to the question
      </button>
      <SideList
        sessions={sessions}
        current={isAccount ? undefined : state.sessionId}
        email={me?.email ?? null}
        isAccount={isAccount}
        onAccount={openAccount}
        onOpen={open}
        onClose={closeList}
        isOpen={isListOpen}
        onErased={(erased) => {
          if (erased === conversation.state.sessionId) open(undefined);
        }}
        onSignOut={() => void login.logout().catch(() => {})}
      />
      <main>
        <header class="top">
          <button
            type="button"
            class="small list-button"
            aria-expanded={isListOpen}
            aria-controls="conversations"
            ref={listButton}
            onClick={() => setIsListOpen(true)}
          >
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M2 3.500h12v1.500H2zM2 7.300h12v1.500H2zM2 11.100h12v1.500H2z" />
            </svg>
            <span class="visually-hidden">Conversations</span>
          </button>
          <h1 ref={heading} tabIndex={-1} dir="auto">
            {title}
          </h1>
          <button type="button" class="small new-button" onClick={() => open(undefined)}>
            New
          </button>
        </header>
        <p class={online ? 'offline' : 'offline shown'} role="status">
          {online ? '' : 'You are offline. What you write is kept, and answers go on when you are back.'}
        </p>
        {me?.mustVerifyEmail && <UnverifiedNotice email={me.email} />}
        {isAccount ? (
          <AccountView me={me} />
        ) : (
          <ConversationView userId={userId} conversation={conversation} onNew={() => open(undefined)} />
        )}
      </main>
    </div>
  );
}
