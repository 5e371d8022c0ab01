"""What stands in for actions of others when workflows run without GitHub."""
