"""What tests share: readers of the source tree, and whatever starts a real server for them."""
