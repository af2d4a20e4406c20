/** What every user of a health assistant must know. */
export const NoDoctor = () => (
  <p class="no-doctor">
    This assistant is no doctor. It makes mistakes, and it cannot examine you. In an emergency, call your local
    emergency number.
  </p>
);
