// Light, dark, or as the system has it.
import { useEffect, useSyncExternalStore } from "react";
import { change, remember, useStore } from "./store.js";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function useSystemDark() {
  return useSyncExternalStore(
    (listener) => {
      dark.addEventListener("change", listener);
      return () => dark.removeEventListener("change", listener);
    },
    () => dark.matches,
  );
}

export function useTheme() {
  const chosen = useStore((s) => s.theme);
  const system = useSystemDark();
  return chosen === "system" ? (system ? "dark" : "light") : chosen;
}

export function useThemeOnPage() {
  const theme = useTheme();
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
}

export function chooseTheme(theme) {
  remember("theme", theme);
  change({ theme });
}
