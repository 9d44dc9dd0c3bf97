// People and the app: avatars, names, and what mentions resolve to.
import { useMemo } from "react";
import { useStore } from "./store.js";

export function useDirectory() {
  const workspace = useStore((s) => s.workspace);
  return useMemo(() => {
    const byId = new Map(workspace.users.map((u) => [u.id, u]));
    return {
      workspace,
      byId,
      mentions: {
        users: workspace.users.map((u) => ({ id: u.id, name: u.real_name })),
        channels: workspace.channels.map((c) => ({ id: c.id, name: c.name })),
        user_groups: workspace.groups.map((g) => ({ id: g.id, name: g.handle, handle: g.handle })),
      },
    };
  }, [workspace]);
}

export function useViewer() {
  const { byId } = useDirectory();
  return byId.get(useStore((s) => s.viewer));
}

export function nameOf(user) {
  return user ? user.real_name : "Somebody";
}

export function Avatar({ user, size = 36 }) {
  const name = nameOf(user);
  const initials = user?.is_bot ? "✦" : name.split(" ").map((w) => w[0]).slice(0, 2).join("");
  return (
    <span
      className={user?.is_bot ? "avatar bot" : "avatar"}
      style={{ background: `#${user?.color || "757575"}`, width: size, height: size, fontSize: size * 0.42 }}
      aria-hidden="true"
    >
      {initials}
    </span>
  );
}
