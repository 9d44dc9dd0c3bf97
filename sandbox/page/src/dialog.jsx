// A dialog over the page: focus goes in, Escape leaves, focus comes back.
import { useEffect, useId, useRef } from "react";

export function Dialog({ title, onClose, className = "", children, footer, icon, tall }) {
  const frame = useRef(null);
  const titleId = useId();
  useEffect(() => {
    const before = document.activeElement;
    // In this order, wherever they stand: what asks for it, the first field, the main button.
    const wanted = ["[data-autofocus]", "input, textarea, select", ".primary", "footer button"];
    const first = wanted.map((w) => frame.current.querySelector(w)).find(Boolean);
    (first || frame.current).focus();
    return () => before?.focus?.();
  }, []);
  const onKeyDown = (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
    }
    if (event.key === "Tab") keepInside(event, frame.current);
  };
  return (
    <div className="backdrop" onMouseDown={(e) => e.target === e.currentTarget && onClose()}>
      <div
        ref={frame}
        className={`dialog ${tall ? "tall" : ""} ${className}`}
        role="dialog"
        aria-modal="true"
        aria-labelledby={titleId}
        tabIndex={-1}
        onKeyDown={onKeyDown}
      >
        <header>
          {icon}
          <h2 id={titleId}>{title}</h2>
          <button type="button" className="icon" aria-label="Close" onClick={onClose}>✕</button>
        </header>
        <div className="dialog-body">{children}</div>
        {footer && <footer>{footer}</footer>}
      </div>
    </div>
  );
}

function keepInside(event, frame) {
  const stops = [...frame.querySelectorAll("button, input, textarea, select, a[href], [tabindex='0']")];
  const usable = stops.filter((s) => !s.disabled && s.offsetParent !== null);
  if (!usable.length) return;
  const first = usable[0];
  const last = usable[usable.length - 1];
  if (event.shiftKey && document.activeElement === first) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && document.activeElement === last) {
    event.preventDefault();
    first.focus();
  }
}

const words = (text) => (typeof text === "string" ? text : text?.text || "");

export function ConfirmDialog({ confirm, body, onYes, onNo }) {
  return (
    <Dialog
      title={words(confirm.title)}
      className="confirm"
      onClose={onNo}
      footer={
        <>
          <button type="button" onClick={onNo}>{words(confirm.deny)}</button>
          <button
            type="button"
            className={confirm.style === "danger" ? "filled danger" : "filled primary"}
            data-autofocus
            onClick={onYes}
          >
            {words(confirm.confirm)}
          </button>
        </>
      }
    >
      {body}
    </Dialog>
  );
}
