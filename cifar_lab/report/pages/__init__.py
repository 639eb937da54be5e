"""Complete pages, assembled from sections."""
