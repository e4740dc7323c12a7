"""What differs between two images: documents first, and files where they are asked for."""
