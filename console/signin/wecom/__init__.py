"""WeCom (企业微信) as an identity provider, which allauth does not bring along. Found by allauth as an app with a `provider` module."""
