"""WeChat: the channel, its access token, and what people have allowed it to send."""
