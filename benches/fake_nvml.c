/* One GPU of 80 GiB as NVML shows it, for trying benches/gpu.sh without one: each file of the folder FAKE_GPU is named by a
 * process and holds the bytes that it has taken (benches/gpu_hold.py). Dead processes have none.
 * cc -shared -fPIC -o libnvidia-ml.so.1 fake_nvml.c */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7 };
typedef unsigned long long bytes;
typedef struct { unsigned pid; bytes used; unsigned instance, compute_instance; } process;
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } pci;
typedef struct { unsigned version; bytes total, reserved, free, used; } memory;

static const bytes TOTAL = 80ull << 30;

static unsigned look(process *found, unsigned most, bytes *used) {
  const char *folder = getenv("FAKE_GPU");
  DIR *dir = folder ? opendir(folder) : NULL;
  unsigned count = 0;
  *used = 0;
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    int pid = atoi(entry->d_name);
    char path[4096];
    bytes size = 0;
    if (pid <= 0 || kill(pid, 0)) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    FILE *file = fopen(path, "r");
    if (!file) continue;
    if (fscanf(file, "%llu", &size) != 1) size = 0;
    fclose(file);
    if (count < most) found[count] = (process){.pid = pid, .used = size};
    count++;
    *used += size;
  }
  if (dir) closedir(dir);
  return count;
}

int nvmlInit_v2(void) { return SUCCESS; }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { (void)code; return "fake"; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { (void)index; *device = (void *)1; return SUCCESS; }
int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *count) { (void)device; *count = 0; return SUCCESS; }
int nvmlDeviceGetUtilizationRates(void *device, unsigned *rates) { (void)device; rates[0] = rates[1] = 0; return SUCCESS; }

int nvmlDeviceGetUUID(void *device, char *text, unsigned length) {
  (void)device;
  snprintf(text, length, "GPU-fa4e0000-0000-0000-0000-000000000000");
  return SUCCESS;
}

int nvmlDeviceGetPciInfo_v3(void *device, pci *info) {
  (void)device;
  memset(info, 0, sizeof *info);
  strcpy(info->bus_id, "00000000:01:00.0");
  strcpy(info->legacy, "0000:01:00.0");
  return SUCCESS;
}

int nvmlDeviceGetMemoryInfo_v2(void *device, memory *info) {
  bytes used;
  (void)device;
  look(NULL, 0, &used);
  info->total = TOTAL, info->reserved = 0, info->used = used, info->free = TOTAL - used;
  return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process *found) {
  bytes used;
  unsigned most = found ? *count : 0;
  (void)device;
  *count = look(found, most, &used);
  return *count > most ? INSUFFICIENT_SIZE : SUCCESS;
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, unsigned *count, process *found) {
  (void)device, (void)found;
  *count = 0;
  return SUCCESS;
}
