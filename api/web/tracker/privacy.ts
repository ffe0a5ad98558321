declare global {
  interface Navigator {
    readonly globalPrivacyControl?: boolean;
  }
}

/** Return true if the browser signals Global Privacy Control or Do Not Track: no consent overrides them. */
export const objects = (): boolean => !!navigator.globalPrivacyControl || navigator.doNotTrack === "1";
