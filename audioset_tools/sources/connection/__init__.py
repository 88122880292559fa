"""How YouTube is reached: a proxy, cookies, options of yt-dlp; all checked before anything begins."""
