__attribute__((visibility("default"))) int dlclose(void *handle);
/* Linked into sanitizer builds: plugins of Open MPI stay loaded, so that leak reports can name them. */
int dlclose(void *handle)
{
    (void)handle;
    return 0;
}
